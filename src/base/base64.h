// Base64 as RFC 4648 has it, with the line breaks that programs write into it. A pure function.
#pragma once

#include <optional>
#include <string_view>

#include "base/secret.h"

namespace pulk {

// Nothing when the text is none.
std::optional<Secret> decoded_base64(std::string_view text);

}  // namespace pulk
