// Names with dots between them, as people write a table in one piece: SHOP.PUBLIC."My orders". A pure function.
#pragma once

#include <string_view>
#include <vector>

#include "catalog/identifier.h"

namespace pulk {

// One to three names. Throws Error(usage).
std::vector<WrittenName> parse_dotted_name(std::string_view written);

}  // namespace pulk
