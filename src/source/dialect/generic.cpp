#include "source/dialect/generic.h"

#include <sql.h>
#include <sqlext.h>
#include <sqlucode.h>

#include <algorithm>

#include "base/strings.h"

namespace pulk::generic {
namespace {

constexpr int kMaxDecimal = 38;
// SQL_DATE, SQL_TIME and SQL_TIMESTAMP of ODBC 2.
constexpr int kOldDate = 9, kOldTime = 10, kOldTimestamp = 11;

LogicalType plain(TypeKind kind, int precision = 0, std::int64_t length = 0) { return {kind, precision, 0, length}; }

LogicalType decimal(const ListedType& type) {
  const std::int64_t scale = type.digits.value_or(-1);
  if (type.size < 1 || type.size > kMaxDecimal || scale < 0 || scale > type.size) return plain(TypeKind::decimal);
  return {TypeKind::decimal, static_cast<int>(type.size), static_cast<int>(scale), 0};
}

std::optional<LogicalType> logical_of(const ListedType& type) {
  const std::string name = to_lower(type.name);
  const bool is_unsigned = contains(name, "unsigned");
  const int fraction = static_cast<int>(std::clamp<std::int64_t>(type.digits.value_or(6), 0, 9));
  switch (type.code) {
    case SQL_BIT:
      return type.size <= 1 ? std::optional(plain(TypeKind::boolean)) : std::nullopt;
    case SQL_TINYINT:
      return plain(TypeKind::int16);
    case SQL_SMALLINT:
      return plain(is_unsigned ? TypeKind::int32 : TypeKind::int16);
    case SQL_INTEGER:
      return plain(is_unsigned ? TypeKind::int64 : TypeKind::int32);
    case SQL_BIGINT:
      return is_unsigned ? plain(TypeKind::decimal, 20) : plain(TypeKind::int64);
    case SQL_DECIMAL:
    case SQL_NUMERIC:
      return decimal(type);
    case SQL_REAL:
      return plain(TypeKind::float32);
    case SQL_FLOAT:
    case SQL_DOUBLE:
      return plain(TypeKind::float64);
    case SQL_CHAR:
    case SQL_VARCHAR:
    case SQL_LONGVARCHAR:
    case SQL_WCHAR:
    case SQL_WVARCHAR:
    case SQL_WLONGVARCHAR:
      return plain(TypeKind::text);
    case SQL_BINARY:
    case SQL_VARBINARY:
    case SQL_LONGVARBINARY:
      return plain(TypeKind::bytes);
    case SQL_GUID:
      return plain(TypeKind::uuid);
    case kOldDate:
    case SQL_TYPE_DATE:
      return plain(TypeKind::date);
    default:
      break;
  }
  // Drivers give the same codes to moments with a zone, in the zone of the session or of nobody knows what.
  if (contains(name, "zone") || contains(name, "tz") || contains(name, "offset")) return std::nullopt;
  if (type.code == kOldTime || type.code == SQL_TYPE_TIME) return plain(TypeKind::time, fraction);
  if (type.code == kOldTimestamp || type.code == SQL_TYPE_TIMESTAMP) return plain(TypeKind::timestamp, fraction);
  return std::nullopt;
}

}  // namespace

MeaningOfType meaning_of(const ListedType& type) {
  MeaningOfType means;
  means.logical = logical_of(type);
  if (!means.logical)
    means.refusal = "pulk has no exact way for this type of a driver that it does not know (ODBC type " +
                    std::to_string(type.code) + ")";
  return means;
}

std::string native_name(const ListedType& type) {
  std::string name = type.name.empty() ? "ODBC type " + std::to_string(type.code) : type.name;
  const bool has_precision = type.code == SQL_DECIMAL || type.code == SQL_NUMERIC;
  if (has_precision && !contains(name, "("))
    name += "(" + std::to_string(type.size) + "," + std::to_string(type.digits.value_or(0)) + ")";
  return name;
}

std::string quote(std::string_view name, std::string_view mark) {
  if (trim(mark).empty()) return std::string(name);
  std::string out(mark);
  for (const char c : name) {
    out += c;
    if (mark.size() == 1 && c == mark.front()) out += c;
  }
  return out + std::string(mark);
}

}  // namespace pulk::generic
