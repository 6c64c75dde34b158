#include <algorithm>
#include <charconv>

#include "base/strings.h"
#include "source/dialect/sqlite.h"

namespace pulk::sqlite {
namespace {

constexpr int kMaxDecimal = 38;

struct Written {
  std::string name;  // lower case, single blanks
  std::vector<int> arguments;
  bool well_formed = true;
};

// "DECIMAL (10, 2)" -> decimal, {10, 2}
Written take_apart(std::string_view declared) {
  Written type;
  const auto open = declared.find('(');
  for (const std::string& word : split(to_lower(trim(declared.substr(0, open))), ' ')) {
    if (word.empty()) continue;
    if (!type.name.empty()) type.name += ' ';
    type.name += word;
  }
  if (open == std::string_view::npos) return type;
  const auto close = declared.find(')', open);
  type.well_formed = close != std::string_view::npos && trim(declared.substr(close + 1)).empty();
  if (!type.well_formed) return type;
  for (const std::string& part : split(declared.substr(open + 1, close - open - 1), ',')) {
    const std::string_view digits = trim(part);
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    type.well_formed = type.well_formed && error == std::errc() && end == digits.data() + digits.size();
    type.arguments.push_back(value);
  }
  return type;
}

bool one_of(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

DeclaredType decimal(const Written& written) {
  DeclaredType type;
  if (written.arguments.empty()) {
    type.logical = LogicalType{TypeKind::decimal, 0, 0, 0};
    return type;
  }
  const int precision = written.arguments[0];
  const int scale = written.arguments.size() > 1 ? written.arguments[1] : 0;
  if (precision < 1 || scale < 0 || scale > precision || written.arguments.size() > 2) {
    type.refusal = "its precision and scale make no decimal type";
  } else {
    type.logical = LogicalType{TypeKind::decimal, precision, scale, 0};
    if (precision > kMaxDecimal) type.note = "more than 38 digits: carried as text";
  }
  return type;
}

}  // namespace

DeclaredType declared_type(std::string_view declared) {
  const Written written = take_apart(declared);
  const std::string& name = written.name;
  const auto plain = [](TypeKind kind, int precision = 0) {
    DeclaredType type;
    type.logical = LogicalType{kind, precision, 0, 0};
    return type;
  };
  DeclaredType type;
  if (name.empty()) {
    type.refusal = "the column is declared without a type: SQLite keeps any value in it";
  } else if (!written.well_formed) {
    type.refusal = "its declared type cannot be read";
  } else if (one_of(name, {"int", "integer", "tinyint", "smallint", "mediumint", "bigint", "unsigned big int", "int2",
                           "int4", "int8"})) {
    // SQLite stores 64 bits whatever the declaration says.
    type = plain(TypeKind::int64);
  } else if (one_of(name, {"decimal", "numeric", "dec", "number"})) {
    type = decimal(written);
  } else if (one_of(name, {"real", "double", "double precision", "float"})) {
    type = plain(TypeKind::float64);
  } else if (one_of(name, {"text", "varchar", "char", "character", "varying character", "character varying", "nchar",
                           "native character", "nvarchar", "clob", "tinytext", "mediumtext", "longtext"})) {
    type = plain(TypeKind::text);
    if (!written.arguments.empty()) type.note = "SQLite does not enforce the declared length";
  } else if (one_of(name, {"blob", "binary", "varbinary", "tinyblob", "mediumblob", "longblob"})) {
    type = plain(TypeKind::bytes);
  } else if (name == "date") {
    type = plain(TypeKind::date);
  } else if (name == "time") {
    type = plain(TypeKind::time, 6);
  } else if (one_of(name, {"datetime", "timestamp"})) {
    type = plain(TypeKind::timestamp, 6);
  } else if (one_of(name, {"boolean", "bool"})) {
    type = plain(TypeKind::boolean);
  } else {
    type.refusal = "pulk has no rule for this declared type";
  }
  type.bare = name;
  return type;
}

}  // namespace pulk::sqlite
