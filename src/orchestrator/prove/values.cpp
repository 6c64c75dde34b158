// Values at the edges of their types. What is expected was written by hand.
#include <arrow/api.h>

#include "base/strings.h"
#include "catalog/arrow_schema.h"
#include "catalog/identifier.h"
#include "orchestrator/prove/value_table.h"
#include "warehouse/snowflake/copy_statement.h"
#include "warehouse/snowflake/snowflake_type.h"

namespace pulk::prove {
namespace {

Finding booleans(Bench& bench) {
  return same_values(bench, "P50",
                     {{TypeKind::boolean}, "", "[true, false, null]", "V::VARCHAR", {"true", "false", "NULL"}});
}

Finding integers(Bench& bench) {
  return same_values(bench, "P51",
                     {{TypeKind::int64},
                      "",
                      "[-9223372036854775808, 9223372036854775807, 0, null]",
                      "V::VARCHAR",
                      {"-9223372036854775808", "9223372036854775807", "0", "NULL"}});
}

Finding decimals(Bench& bench) {
  return same_values(
      bench, "P52",
      {{TypeKind::decimal, 38, 0},
       "",
       R"(["99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "0", null])",
       "V::VARCHAR",
       {"99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "0", "NULL"}});
}

Finding fractions(Bench& bench) {
  return same_values(
      bench, "P53",
      {{TypeKind::decimal, 38, 37},
       "",
       R"(["9.9999999999999999999999999999999999999", "-0.0000000000000000000000000000000000001", null])",
       "V::VARCHAR",
       {"9.9999999999999999999999999999999999999", "-0.0000000000000000000000000000000000001", "NULL"}});
}

Finding floats(Bench& bench) {
  return same_values(bench, "P54",
                     {{TypeKind::float64},
                      "",
                      "[1.7976931348623157e308, 5e-324, 0.1, -1.0000000000000002, null]",
                      "",
                      {"1.7976931348623157e+308", "5e-324", "0.1", "-1.0000000000000002", "NULL"}});
}

Finding no_numbers(Bench& bench) {
  return same_values(bench, "P55", {{TypeKind::float64}, "", "[NaN, Inf, -Inf]", "", {"nan", "inf", "-inf"}});
}

Finding negative_zero(Bench& bench) {
  return same_values(bench, "P56", {{TypeKind::float64}, "", "[-0.0, 0.0]", "", {"-0", "0"}});
}

Finding texts(Bench& bench) {
  return same_values(bench, "P57",
                     {{TypeKind::text},
                      "",
                      R"(["\\N", "", " a ", "NULL", "it's \"x\" \\ y", "z\u00df\u6c34\ud83d\ude00", null])",
                      "V",
                      {"\\N", "", " a ", "NULL", "it's \"x\" \\ y", "zß水😀", "NULL"}});
}

// A text or binary value of that many bytes "ab", by its length and MD5.
Finding large(Bench& bench, const std::string& table, const LogicalType& type, std::size_t bytes, const char* md5) {
  std::string content;
  content.reserve(bytes);
  while (content.size() < bytes) content += "ab";
  const auto array = array_of(type.kind == TypeKind::text ? Carrier{CarrierKind::utf8} : Carrier{CarrierKind::binary},
                              "[\"" + content + "\"]");
  const std::string full = load(bench, table, type, "", "", numbered(array));
  const std::string seen = value(bench.watcher(), "SELECT LENGTH(V)::VARCHAR || ' ' || MD5(V) FROM " + full);
  return decide(seen == std::to_string(bytes) + " " + md5, "length and MD5 are " + seen);
}

Finding large_text(Bench& bench) {
  return large(bench, "P58", {TypeKind::text}, 16777216, "a7604501e4d8faed1af2073e869b4e08");
}

Finding large_bytes(Bench& bench) {
  return large(bench, "P60", {TypeKind::bytes}, 8388608, "11277f1cc5c49223905ba264a73b08f9");
}

Finding all_bytes(Bench& bench) {
  std::string bytes, hex;
  constexpr const char* digits = "0123456789ABCDEF";
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    hex += {digits[i >> 4], digits[i & 15]};
  }
  arrow::BinaryBuilder builder;
  std::shared_ptr<arrow::Array> array;
  if (!builder.AppendValues({bytes, ""}).ok() || !builder.Finish(&array).ok())
    throw Error(ErrorKind::retryable, "out of memory");
  const std::string full = load(bench, "P59", {TypeKind::bytes}, "", "", numbered(array));
  const auto rows = bench.watcher().query("SELECT HEX_ENCODE(V) FROM " + full + " ORDER BY N");
  const bool held = rows.size() == 2 && rows[0][0] == hex && rows[1][0].empty();
  return decide(held, held ? "256 bytes and none, unchanged" : "read " + (rows.empty() ? "nothing" : rows[0][0]));
}

Finding dates(Bench& bench) {
  return same_values(bench, "P61",
                     {{TypeKind::date},
                      "",
                      "[-719162, 2932896, -1, -141428, null]",
                      "TO_CHAR(V, 'YYYY-MM-DD')",
                      {"0001-01-01", "9999-12-31", "1969-12-31", "1582-10-14", "NULL"}});
}

Finding times(Bench& bench) {
  return same_values(bench, "P62",
                     {{TypeKind::time, 6},
                      "",
                      "[0, 86399999999, 1, null]",
                      "TO_CHAR(V, 'HH24:MI:SS.FF6')",
                      {"00:00:00.000000", "23:59:59.999999", "00:00:00.000001", "NULL"}});
}

// Microseconds since 1970 of 0001-01-01, of the last one of 9999, of the one before 1970, of 2024-02-29
// 12:34:56.789012.
constexpr const char* kMoments = "[-62135596800000000, 253402300799999999, -1, 1709210096789012, null]";

Finding wall_clocks(Bench& bench) {
  return same_values(bench, "P63",
                     {{TypeKind::timestamp, 6},
                      "",
                      kMoments,
                      "TO_CHAR(V, 'YYYY-MM-DD HH24:MI:SS.FF6')",
                      {"0001-01-01 00:00:00.000000", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999",
                       "2024-02-29 12:34:56.789012", "NULL"}});
}

Finding instants(Bench& bench) {
  return same_values(bench, "P64",
                     {{TypeKind::timestamp_tz, 6},
                      "",
                      kMoments,
                      "TO_CHAR(V, 'YYYY-MM-DD HH24:MI:SS.FF6 TZHTZM')",
                      {"0001-01-01 00:00:00.000000 +0000", "9999-12-31 23:59:59.999999 +0000",
                       "1969-12-31 23:59:59.999999 +0000", "2024-02-29 12:34:56.789012 +0000", "NULL"}});
}

// What 64 bits of nanoseconds do not hold travels as text.
Finding fine_clocks(Bench& bench) {
  const Finding times = same_values(bench, "P68_TIME",
                                    {{TypeKind::time, 9},
                                     "",
                                     R"(["00:00:00.000000001", "23:59:59.999999999", null])",
                                     "TO_CHAR(V, 'HH24:MI:SS.FF9')",
                                     {"00:00:00.000000001", "23:59:59.999999999", "NULL"}});
  if (times.outcome != Outcome::pass) return times;
  return same_values(bench, "P68",
                     {{TypeKind::timestamp, 7},
                      "",
                      R"(["0001-01-01 00:00:00.0000001", "9999-12-31 23:59:59.9999999", )"
                      R"("1969-12-31 23:59:59.9999999", null])",
                      "TO_CHAR(V, 'YYYY-MM-DD HH24:MI:SS.FF7')",
                      {"0001-01-01 00:00:00.0000001", "9999-12-31 23:59:59.9999999", "1969-12-31 23:59:59.9999999",
                       "NULL"}});
}

Finding fine_instants(Bench& bench) {
  return same_values(bench, "P69",
                     {{TypeKind::timestamp_tz, 7},
                      "",
                      R"(["0001-01-01 00:00:00.0000001 +14:00", "9999-12-31 23:59:59.9999999 -12:00", )"
                      R"("2024-02-29 12:34:56.1234567 +05:30", null])",
                      "TO_CHAR(V, 'YYYY-MM-DD HH24:MI:SS.FF7 TZH:TZM')",
                      {"0001-01-01 00:00:00.0000001 +14:00", "9999-12-31 23:59:59.9999999 -12:00",
                       "2024-02-29 12:34:56.1234567 +05:30", "NULL"}});
}

Finding documents(Bench& bench) {
  return same_values(bench, "P65",
                     {{TypeKind::json},
                      "VARIANT",
                      R"(["{\"n\":99999999999999999999999999999999999999}", "[0.1,true,null]", "\"x\"", null])",
                      "TO_JSON(V)",
                      {"{\"n\":99999999999999999999999999999999999999}", "[0.1,true,null]", "\"x\"", "NULL"}});
}

Finding column_names(Bench& bench) {
  const std::vector<std::string> names = {"a", "A", "a b", "a.b", "a\"b", "select", "😀", "a'b", "a\\b"};
  std::vector<std::string> columns, expressions, quoted;
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const TypeChoice choice = snowflake::choose_type({TypeKind::int64}, names[i], "", "");
    columns.push_back(quote_double(names[i]) + " " + choice.target_type);
    expressions.push_back(choice.load_expression);
    quoted.push_back(quote_double(names[i]) + "::VARCHAR");
    fields.push_back(arrow::field(names[i], arrow::int64()));
    arrays.push_back(array_of({CarrierKind::int64}, "[" + std::to_string(i) + "]"));
  }
  const std::string table = bench.table("P66", join(columns, ", ") + ", \"_PULK_PARTITION\" NUMBER(10,0)");
  const std::string file =
      bench.put(bench.stage(), "names", arrow::RecordBatch::Make(arrow::schema(fields), 1, arrays)).at(0).name;
  begin(bench.worker());
  bench.worker().query(snowflake::copy_statement(table, names, expressions, 1, bench.stage().location(), {file}));
  bench.worker().execute("COMMIT");
  const auto rows = bench.watcher().query("SELECT " + join(quoted, ", ") + " FROM " + table);
  std::vector<std::string> wrong;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (rows.size() != 1 || rows[0][i] != std::to_string(i)) wrong.push_back(names[i]);
  return decide(wrong.empty(), wrong.empty()
                                   ? plural(static_cast<std::int64_t>(names.size()), "column") + ", none mixed up"
                                   : "wrong in " + join(wrong, ", "));
}

Finding type_names(Bench& bench) {
  std::vector<std::string> types, columns, wrong;
  for (const LogicalType& type :
       {LogicalType{TypeKind::boolean}, LogicalType{TypeKind::int64}, LogicalType{TypeKind::float64},
        LogicalType{TypeKind::decimal, 38, 37}, LogicalType{TypeKind::text}, LogicalType{TypeKind::text, 0, 0, 10},
        LogicalType{TypeKind::bytes}, LogicalType{TypeKind::date}, LogicalType{TypeKind::time, 6},
        LogicalType{TypeKind::timestamp, 6}, LogicalType{TypeKind::timestamp_tz, 3}}) {
    types.push_back(snowflake::choose_type(type, "V", "", "").target_type);
    columns.push_back("C" + std::to_string(types.size()) + " " + types.back());
  }
  const auto rows = bench.watcher().named_rows("DESC TABLE " + bench.table("P67", join(columns, ", ")));
  for (std::size_t i = 0; i < types.size(); ++i)
    if (i >= rows.size() || rows[i].at("type") != types[i])
      wrong.push_back(types[i] + " is called " + (i < rows.size() ? rows[i].at("type") : "nothing"));
  return decide(wrong.empty(), wrong.empty()
                                   ? plural(static_cast<std::int64_t>(types.size()), "type") + ", all as written"
                                   : join(wrong, ", "));
}

}  // namespace

std::vector<Probe> value_probes() {
  constexpr const char* theme = "values";
  constexpr Rests rests = Rests::values;
  constexpr const char* changed = "such values arrive changed: map their columns to VARCHAR";
  return {
      {50, theme, rests, "booleans and NULL", changed, booleans},
      {51, theme, rests, "integers of 64 bits", changed, integers},
      {52, theme, rests, "decimals of 38 digits", changed, decimals},
      {53, theme, rests, "decimals with 37 digits after the point", changed, fractions},
      {54, theme, rests, "the largest and the smallest FLOAT, and every bit of others", changed, floats},
      {55, theme, rests, "NaN and the infinities", changed, no_numbers},
      {56, theme, rests, "-0.0 keeps its sign", "-0.0 arrives as 0; the two are equal numbers", negative_zero},
      {57, theme, rests, "texts: \\N, empty, blanks, quotes, backslashes, emoji", changed, texts},
      {58, theme, rests, "a text of 16 MiB", changed, large_text},
      {59, theme, rests, "each of the 256 bytes, and no byte", changed, all_bytes},
      {60, theme, rests, "8 MiB of bytes", changed, large_bytes},
      {61, theme, rests, "dates from 0001-01-01 to 9999-12-31", changed, dates},
      {62, theme, rests, "times to the microsecond", changed, times},
      {63, theme, rests, "TIMESTAMP_NTZ from 0001 to 9999, to the microsecond", changed, wall_clocks},
      {64, theme, rests, "TIMESTAMP_TZ from 0001 to 9999, to the microsecond, in UTC", changed, instants},
      {65, theme, rests, "documents in VARIANT, with numbers of 38 digits", changed, documents},
      {66, theme, rests, "column names that only case tells apart, or with quotes, points, blanks",
       "values of one column arrive in another one, or a table cannot be loaded: map these names", column_names},
      {67, theme, Rests::running, "DESC TABLE names types as pulk writes them",
       "a second run takes the table of the first for one with other types", type_names},
      {68, theme, rests, "TIME and TIMESTAMP_NTZ of seven to nine digits, from 0001 to 9999, by text", changed,
       fine_clocks},
      {69, theme, rests, "TIMESTAMP_TZ of seven digits, with its offset, by text", changed, fine_instants},
  };
}

}  // namespace pulk::prove
