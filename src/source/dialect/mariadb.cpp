#include "source/dialect/mariadb.h"

#include <algorithm>
#include <initializer_list>

#include "base/strings.h"

namespace pulk::mariadb {
namespace {

LogicalType decimal(std::int64_t precision, std::int64_t scale) {
  return {TypeKind::decimal, static_cast<int>(precision), static_cast<int>(scale), 0};
}

LogicalType plain(TypeKind kind) { return {kind, 0, 0, 0}; }
LogicalType sized(TypeKind kind, std::int64_t length) { return {kind, 0, 0, length}; }
LogicalType fractional(TypeKind kind, std::int64_t digits) { return {kind, static_cast<int>(digits), 0, 0}; }

std::optional<LogicalType> logical_of(const ListedType& type) {
  const std::string& name = type.data_type;
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const std::string whole = to_lower(type.column_type);
  const bool is_unsigned = whole.find("unsigned") != std::string::npos || whole.find("zerofill") != std::string::npos;
  if (is({"tinyint", "year"})) return plain(TypeKind::int16);
  if (is({"smallint"})) return plain(is_unsigned ? TypeKind::int32 : TypeKind::int16);
  if (is({"mediumint"})) return plain(TypeKind::int32);
  if (is({"int", "integer"})) return plain(is_unsigned ? TypeKind::int64 : TypeKind::int32);
  if (is({"bigint"})) return is_unsigned ? decimal(20, 0) : plain(TypeKind::int64);
  if (is({"bit"})) {
    if (type.precision == 1) return plain(TypeKind::boolean);
    return type.precision < 64 ? plain(TypeKind::int64) : decimal(20, 0);
  }
  if (is({"decimal", "numeric"})) return decimal(type.precision, type.scale);
  if (is({"float"})) return plain(TypeKind::float32);
  if (is({"double", "real"})) return plain(TypeKind::float64);
  if (is({"char", "varchar"})) return sized(TypeKind::text, type.characters);
  // The limits of these are bytes that nobody meant.
  if (is({"tinytext", "text", "mediumtext", "longtext", "enum", "set", "inet4", "inet6"})) return plain(TypeKind::text);
  if (is({"binary", "varbinary"})) return sized(TypeKind::bytes, type.characters);
  if (is({"tinyblob", "blob", "mediumblob", "longblob"})) return plain(TypeKind::bytes);
  if (is({"date"})) return plain(TypeKind::date);
  if (is({"time"})) return fractional(TypeKind::time, type.fraction);
  if (is({"datetime"})) return fractional(TypeKind::timestamp, type.fraction);
  if (is({"timestamp"})) return fractional(TypeKind::timestamp_tz, type.fraction);
  if (is({"uuid"})) return plain(TypeKind::uuid);
  if (is({"json"})) return plain(TypeKind::json);
  return std::nullopt;
}

}  // namespace

MeaningOfType meaning_of(const ListedType& type) {
  MeaningOfType means;
  means.logical = logical_of(type);
  if (!means.logical) {
    means.refusal = "pulk has no rule for this type of MariaDB";
    means.readable_as_text = false;
  }
  if (type.data_type == "bit" && type.precision > 1) means.note = "the bits as a number";
  if (type.data_type == "time") means.note = "values outside of one day are refused, VARCHAR takes them";
  return means;
}

std::string quote(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    out += c;
    if (c == '`') out += '`';
  }
  return out + "`";
}

std::string text_literal(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "_utf8mb4 x'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out + "'";
}

}  // namespace pulk::mariadb
