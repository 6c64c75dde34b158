#include "source/odbc/catalog_rows.h"

#include "base/strings.h"
#include "source/odbc/cell_parser.h"

namespace pulk::odbc {

std::int64_t to_number(const std::optional<std::string>& cell) { return cell ? parse_integer(*cell).value_or(0) : 0; }

std::string fingerprint_of(const std::vector<SourceColumn>& columns) {
  std::string all;
  for (const SourceColumn& column : columns) {
    all += column.name + '\0' + column.native_type + '\0' + (column.nullable ? '1' : '0') + '\0';
  }
  return xxh128_hex(all);
}

}  // namespace pulk::odbc
