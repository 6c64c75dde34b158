// What the catalogs of all databases behind ODBC are read with. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/source.h"

namespace pulk::odbc {

// 0 for NULL, and for what is no integer.
std::int64_t to_number(const std::optional<std::string>& cell);

// By which a later run sees that names, types or order of columns have changed.
std::string fingerprint_of(const std::vector<SourceColumn>& columns);

}  // namespace pulk::odbc
