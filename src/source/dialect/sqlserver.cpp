#include "source/dialect/sqlserver.h"

#include <algorithm>

#include "base/strings.h"

namespace pulk::sqlserver {
namespace {

LogicalType plain(TypeKind kind) { return {kind, 0, 0, 0}; }
LogicalType fractional(TypeKind kind, int digits) { return {kind, digits, 0, 0}; }
LogicalType decimal(int precision, int scale) { return {TypeKind::decimal, precision, scale, 0}; }
LogicalType sized(TypeKind kind, std::int64_t length) { return {kind, 0, 0, std::max<std::int64_t>(length, 0)}; }

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<LogicalType> logical_of(const ListedType& type) {
  const std::string& name = type.name;
  if (name == "bit") return plain(TypeKind::boolean);
  if (is_one_of(name, {"tinyint", "smallint"})) return plain(TypeKind::int16);
  if (name == "int") return plain(TypeKind::int32);
  if (name == "bigint") return plain(TypeKind::int64);
  if (is_one_of(name, {"decimal", "numeric"})) return decimal(type.precision, type.scale);
  if (name == "money") return decimal(19, 4);
  if (name == "smallmoney") return decimal(10, 4);
  if (name == "real") return plain(TypeKind::float32);
  if (name == "float") return plain(TypeKind::float64);
  if (is_one_of(name, {"char", "varchar"})) return sized(TypeKind::text, type.max_length);
  if (is_one_of(name, {"nchar", "nvarchar"})) return sized(TypeKind::text, type.max_length / 2);
  if (is_one_of(name, {"text", "ntext", "xml", "hierarchyid"})) return plain(TypeKind::text);
  if (is_one_of(name, {"binary", "varbinary"})) return sized(TypeKind::bytes, type.max_length);
  if (name == "image") return plain(TypeKind::bytes);
  if (is_one_of(name, {"timestamp", "rowversion"})) return sized(TypeKind::bytes, 8);
  if (name == "uniqueidentifier") return plain(TypeKind::uuid);
  if (name == "json") return plain(TypeKind::json);
  if (name == "date") return plain(TypeKind::date);
  if (name == "time") return fractional(TypeKind::time, type.scale);
  if (name == "smalldatetime") return fractional(TypeKind::timestamp, 0);
  // Ticks of 1/300 s, which the server and every client show in milliseconds.
  if (name == "datetime") return fractional(TypeKind::timestamp, 3);
  if (name == "datetime2") return fractional(TypeKind::timestamp, type.scale);
  if (name == "datetimeoffset") return fractional(TypeKind::timestamp_offset, type.scale);
  return std::nullopt;
}

// Declared with a length: "(20)", "(max)".
std::string length_of(const ListedType& type) {
  if (type.max_length < 0) return "(max)";
  return "(" + std::to_string(type.name.front() == 'n' ? type.max_length / 2 : type.max_length) + ")";
}

}  // namespace

std::string written(const ListedType& type) {
  std::string text = type.name;
  if (is_one_of(type.name, {"char", "varchar", "nchar", "nvarchar", "binary", "varbinary"})) text += length_of(type);
  if (is_one_of(type.name, {"decimal", "numeric"}))
    text += "(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
  if (is_one_of(type.name, {"time", "datetime2", "datetimeoffset"})) text += "(" + std::to_string(type.scale) + ")";
  if (!type.collation.empty()) text += " COLLATE " + type.collation;
  return text;
}

std::string_view bare(std::string_view written) { return written.substr(0, written.find_first_of("( ")); }

MeaningOfType meaning_of(const ListedType& type) {
  MeaningOfType means;
  if (type.assembly && type.name != "hierarchyid") {
    means.refusal = "a CLR type: its bytes mean something to its own code only";
    means.readable_as_text = false;
    return means;
  }
  means.logical = logical_of(type);
  if (means.logical) {
    if (type.name == "hierarchyid") means.note = "as ToString() writes it: /1/2/";
    if (type.name == "timestamp" || type.name == "rowversion") means.note = "the 8 bytes of the row's version";
    if (type.name == "xml") means.note = "as the server writes it: whitespace between elements may already be gone";
    return means;
  }
  if (type.name == "sql_variant") {
    means.refusal = "each value has a type of its own: read it by a query that casts it";
    means.readable_as_text = false;
  } else if (type.name == "vector") {
    means.refusal = "pulk has no rule for vectors yet";
  } else {
    means.refusal = "pulk has no rule for this type of SQL Server";
    means.readable_as_text = false;
  }
  return means;
}

std::string text_of(std::string_view type, const std::string& quoted) {
  const std::string_view name = bare(type);
  const auto convert = [&](std::string_view to, std::string_view style) {
    return "CONVERT(" + std::string(to) + ", " + quoted + (style.empty() ? "" : ", " + std::string(style)) + ")";
  };
  if (is_one_of(name, {"money", "smallmoney"})) return convert("varchar(30)", "2");
  // Style 3: as many digits as the value needs to come back the same, of SQL Server 2016 on.
  if (is_one_of(name, {"real", "float"})) return convert("varchar(32)", "3");
  if (is_one_of(name, {"binary", "varbinary", "timestamp", "rowversion"})) return convert("varchar(max)", "2");
  if (name == "image") return "CONVERT(varchar(max), CONVERT(varbinary(max), " + quoted + "), 2)";
  if (name == "date") return convert("varchar(10)", "23");
  if (is_one_of(name, {"time", "datetime", "datetime2", "smalldatetime", "datetimeoffset"}))
    return convert("varchar(34)", "121");
  if (name == "hierarchyid") return quoted + ".ToString()";
  if (is_one_of(name, {"xml", "json", "vector"})) return convert("nvarchar(max)", "");
  if (name == "bit") return convert("varchar(1)", "");
  return convert("varchar(41)", "");
}

std::string literal_of(std::string_view type, const std::string& quoted) {
  const std::string_view name = bare(type);
  const std::string own(type.substr(0, type.find(" COLLATE")));
  const auto cast = [&](const std::string& text) { return "'CAST(''' + " + text + " + ''' AS " + own + ")'"; };
  if (is_one_of(name, {"tinyint", "smallint", "int"})) return "CONVERT(varchar(20), " + quoted + ")";
  if (name == "bigint") return cast("CONVERT(varchar(20), " + quoted + ")");
  if (is_one_of(name, {"decimal", "numeric"})) return cast("CONVERT(varchar(41), " + quoted + ")");
  if (is_one_of(name, {"money", "smallmoney"})) return cast("CONVERT(varchar(30), " + quoted + ", 2)");
  if (is_one_of(name, {"binary", "varbinary", "timestamp", "rowversion"}))
    return "CONVERT(varchar(max), CONVERT(varbinary(8000), " + quoted + "), 1)";
  if (name == "date") return cast("CONVERT(varchar(10), " + quoted + ", 23)");
  // Style 126 is read the same under every DATEFORMAT and LANGUAGE.
  if (is_one_of(name, {"datetime", "datetime2", "smalldatetime"}))
    return cast("CONVERT(varchar(30), " + quoted + ", 126)");
  if (name == "time") return cast("CONVERT(varchar(16), " + quoted + ", 121)");
  if (name == "datetimeoffset") return cast("CONVERT(varchar(36), " + quoted + ", 126)");
  if (name == "uniqueidentifier") return cast("CONVERT(varchar(36), " + quoted + ")");
  // By bytes: to a collation of a language an apostrophe with an accent behind it is another letter.
  const std::string doubled =
      "REPLACE(CONVERT(nvarchar(4000), " + quoted + ") COLLATE Latin1_General_BIN2, N'''', N'''''')";
  if (is_one_of(name, {"nchar", "nvarchar"})) return "N'N''' + " + doubled + " + N''''";
  return "N'''' + " + doubled + " + N''''";
}

std::string quote(std::string_view name) {
  std::string out = "[";
  for (const char c : name) {
    out += c;
    if (c == ']') out += ']';
  }
  return out + "]";
}

std::string text_literal(std::string_view text) {
  std::string out = "N'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += '\'';
  }
  return out + "'";
}

}  // namespace pulk::sqlserver
