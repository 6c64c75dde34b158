// Values at the edges of their types. What is expected was written by hand.
#include "orchestrator/prove/sqlserver/sqlserver_probe.h"
#include "orchestrator/prove/sqlserver/value_columns.h"

namespace pulk::prove {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// What reads as it is written.
ValueColumn plain(const char* type, const std::string& first, const std::string& second) {
  return {type, {first, second}, {first, second}};
}
ValueColumn quoted(const char* type, const std::string& first, const std::string& second) {
  return {type, {"'" + first + "'", "'" + second + "'"}, {first, second}};
}

Finding integers(SqlServerBench& bench) {
  return same_values(bench, "integers",
                     {{"bit", {"1", "0"}, {"true", "false"}},
                      plain("tinyint", "0", "255"),
                      plain("smallint", "-32768", "32767"),
                      plain("int", "-2147483648", "2147483647"),
                      plain("bigint", "-9223372036854775808", "9223372036854775807")});
}

Finding decimals(SqlServerBench& bench) {
  return same_values(
      bench, "decimals",
      {plain("decimal(10,2)", "-99999999.99", "0.01"),
       plain("numeric(38,0)", "-99999999999999999999999999999999999999", "1"),
       plain("decimal(38,38)", "0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"),
       plain("money", "-922337203685477.5808", "922337203685477.5807"), plain("smallmoney", "-214748.3648", "0.0001")});
}

Finding floats(SqlServerBench& bench) {
  return same_values(bench, "floats",
                     {{"real", {"16777215", "1.17549435e-38"}, {"16777215", "1.1754944e-38"}},
                      {"float", {"0.1", "-1.7976931348623157e308"}, {"0.1", "-1.7976931348623157e+308"}},
                      {"float(53)",
                       {"-1.0000000000000002", "2.2250738585072014e-308"},
                       {"-1.0000000000000002", "2.2250738585072014e-308"}}});
}

Finding days(SqlServerBench& bench) {
  return same_values(
      bench, "days",
      {quoted("date", "0001-01-01", "9999-12-31"),
       {"time(0)", {"'00:00:00'", "'23:59:59'"}, {"00:00:00.000000", "23:59:59.000000"}},
       quoted("time(6)", "00:00:00.000001", "23:59:59.999999"),
       {"time(7)", {"'00:00:00.0000001'", "'23:59:59.9999999'"}, {"00:00:00.000000100", "23:59:59.999999900"}}});
}

Finding moments(SqlServerBench& bench) {
  return same_values(bench, "moments",
                     {{"smalldatetime",
                       {"'1900-01-01 00:00'", "'2079-06-06 23:59'"},
                       {"1900-01-01 00:00:00.000000", "2079-06-06 23:59:00.000000"}},
                      // Ticks of 1/300 s: .003 is one, .007 two.
                      {"datetime",
                       {"'1753-01-01 00:00:00.003'", "'9999-12-31 23:59:59.997'"},
                       {"1753-01-01 00:00:00.003000", "9999-12-31 23:59:59.997000"}},
                      {"datetime2(0)",
                       {"'0001-01-01 00:00:00'", "'9999-12-31 23:59:59'"},
                       {"0001-01-01 00:00:00.000000", "9999-12-31 23:59:59.000000"}},
                      quoted("datetime2(6)", "0001-01-01 00:00:00.000001", "9999-12-31 23:59:59.999999"),
                      quoted("datetime2(7)", "0001-01-01 00:00:00.0000001", "9999-12-31 23:59:59.9999999")});
}

Finding offsets(SqlServerBench& bench) {
  return same_values(
      bench, "offsets",
      {quoted("datetimeoffset(0)", "2024-02-29 12:00:00 +05:30", "2024-02-29 12:00:00 -14:00"),
       quoted("datetimeoffset(7)", "0001-01-01 00:00:00.0000001 +00:00", "9999-12-31 23:29:59.9999999 -00:30")});
}

Finding texts(SqlServerBench& bench) {
  return same_values(bench, "texts",
                     {{"char(5)", {"'ab'", "''"}, {"ab   ", "     "}},
                      {"varchar(20)", {"'a''b'", "''"}, {"a'b", ""}},
                      {"nchar(3)", {"N'ä'", "N''"}, {"ä  ", "   "}},
                      {"nvarchar(20)", {"N'häß€😀'", "N'x' + NCHAR(10) + N'y'"}, {"häß€😀", "x\ny"}},
                      {"varchar(20) COLLATE Latin1_General_CI_AS", {"N'häß€'", "' x '"}, {"häß€", " x "}},
                      {"varchar(20) COLLATE Polish_CI_AS", {"N'żółć'", "''"}, {"żółć", ""}},
                      {"varchar(20) COLLATE Japanese_CI_AS", {"N'日本語'", "''"}, {"日本語", ""}}});
}

Finding long_texts(SqlServerBench& bench) {
  return same_values(
      bench, "long_texts",
      {{"nvarchar(4000)", {"REPLICATE(N'ä€', 2000)", "N''"}, {repeated("ä€", 2000), ""}},
       {"varchar(max)",
        {"REPLICATE(CAST('0123456789' AS varchar(max)), 5000)", "''"},
        {repeated("0123456789", 5000), ""}},
       {"nvarchar(max)", {"REPLICATE(CAST(N'ä😀' AS nvarchar(max)), 30000)", "N''"}, {repeated("ä😀", 30000), ""}},
       {"text", {"REPLICATE(CAST('ab' AS varchar(max)), 20000)", "''"}, {repeated("ab", 20000), ""}},
       {"ntext", {"REPLICATE(CAST(N'ä😀' AS nvarchar(max)), 20000)", "N''"}, {repeated("ä😀", 20000), ""}},
       {"xml", {"N'<a>ä<b/></a>'", "N''"}, {"<a>ä<b/></a>", ""}}});
}

Finding bytes(SqlServerBench& bench) {
  const std::string many = repeated("6162", 50000);
  return same_values(
      bench, "bytes",
      {{"binary(4)", {"0x00ff", "0x01020304"}, {"00FF0000", "01020304"}},
       {"varbinary(10)", {"0x00ff27", "0x"}, {"00FF27", ""}},
       {"varbinary(max)",
        {"CAST(REPLICATE(CAST('ab' AS varchar(max)), 50000) AS varbinary(max))", "0x5c"},
        {many, "5C"}},
       {"image", {"CAST(REPLICATE(CAST('ab' AS varchar(max)), 50000) AS varbinary(max))", "0x"}, {many, ""}}});
}

Finding others(SqlServerBench& bench) {
  return same_values(
      bench, "others",
      {quoted("uniqueidentifier", "123E4567-E89B-12D3-A456-426614174000", "00000000-0000-0000-0000-000000000000"),
       quoted("hierarchyid", "/1/2.5/-3/", "/")});
}

Finding utf8_texts(SqlServerBench& bench) {
  try {
    return same_values(bench, "utf8_texts",
                       {{"varchar(20) COLLATE Latin1_General_100_CI_AS_SC_UTF8", {"N'ä€😀'", "''"}, {"ä€😀", ""}}});
  } catch (const NoTable& error) {
    if (bench.schema().empty()) throw;
    return {Outcome::undecided, error.message()};  // an older server
  }
}

}  // namespace

std::vector<SqlServerProbe> sqlserver_value_probes() {
  constexpr const char* theme = "values";
  constexpr Rests rests = Rests::values;
  constexpr const char* changed = "such values arrive changed: read their columns by a query that makes texts of them";
  return {
      {{130, theme, rests, "bit and the integers, to both ends", changed}, integers},
      {{131, theme, rests, "decimals of 38 digits and money", changed}, decimals},
      {{132, theme, rests, "every bit of real and float", changed}, floats},
      {{133, theme, rests, "dates from 0001 to 9999, times to 100 ns", changed}, days},
      {{134, theme, rests, "smalldatetime, datetime, datetime2 from 0001 to 9999, to 100 ns", changed}, moments},
      {{135, theme, rests, "datetimeoffset with its offset, to 100 ns", changed}, offsets},
      {{136, theme, rests, "texts: padding, quotes, line ends, emoji, code pages of collations", changed}, texts},
      {{137, theme, rests, "texts of up to 90,000 characters in each of the long types", changed}, long_texts},
      {{138, theme, rests, "bytes: padding, none, 100,000", changed}, bytes},
      {{139, theme, rests, "uniqueidentifier and hierarchyid", changed}, others},
      {{140, theme, rests, "varchar of a UTF-8 collation (SQL Server 2019)", changed}, utf8_texts},
  };
}

}  // namespace pulk::prove
