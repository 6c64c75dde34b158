// Every type of SQLite through the driver: exact, or refused by name.
#include <bit>
#include <cmath>
#include <random>

#include "unit/source/odbc_fixture.h"

namespace pulk::test {
namespace {

class OdbcValues : public OdbcTest {};

TEST_F(OdbcValues, every_type) {
  make(R"(create table t (i integer, s smallint, b bigint, d decimal(12,3), n numeric(38,10), r real, t text, v varchar(3),
            x blob, day date, ts datetime, tm time, ok boolean);
    insert into t values (9223372036854775807, -9223372036854775808, 70000, 1.5, '12345.0123456789',
      0.1, 'äöü €😀', 'longer than three', x'00ff10', '2024-02-29', '1999-12-31 23:59:59.123456', '23:59', 1);
    insert into t values (null, null, null, null, null, null, null, null, null, null, null, null, null);
    insert into t values (0, 0, 0, -0.001, -5, -1e300, '', ' ', x'', '0001-01-01', '9999-12-31T00:00', '00:00:00.5', 0);
    insert into t values (1, 1, 1, 123456789, 0, 12, 'X''41''', '0', x'27', '1969-12-31', '1969-12-31 23:59:59.9', '12:00:01', 1);)");
  EXPECT_EQ(read_table("t"),
            (std::vector<Cells>{
                {"9223372036854775807", "-9223372036854775808", "70000", "1.500",
                 "12345.0123456789", "0.1", "äöü €😀", "longer than three", "00FF10",
                 "2024-02-29", "1999-12-31 23:59:59.123456", "23:59:00.000000", "true"},
                {"NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL"},
                {"0", "0", "0", "-0.001", "-5.0000000000", "-1e+300", "", " ", "", "0001-01-01",
                 "9999-12-31 00:00:00.000000", "00:00:00.500000", "false"},
                {"1", "1", "1", "123456789.000", "0E-10", "12", "X'41'", "0", "27", "1969-12-31",
                 "1969-12-31 23:59:59.900000", "12:00:01.000000", "true"}}));
}

TEST_F(OdbcValues, doubles_keep_every_bit) {
  std::vector<double> values{0.1, 1.0 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0,
                             1e15 + 0.3, 123456.789e-30, INFINITY, -INFINITY};
  std::mt19937_64 random(7);
  while (values.size() < 20'000) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) values.push_back(value);
  }
  std::uniform_real_distribution<double> usual(-1e6, 1e6);
  while (values.size() < 30'000) values.push_back(usual(random));
  make("create table t (id integer primary key, r double)");
  Sqlite db(path());
  db.must("begin");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db.handle(), "insert into t (r) values (?)", -1, &insert, nullptr);
  for (const double value : values) {
    sqlite3_bind_double(insert, 1, value);
    sqlite3_step(insert);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  db.must("commit");

  const auto from = source();
  const auto snapshot = from->snapshot({}, 1);
  const auto lane = snapshot->open_lane();
  ReadLimits limits;
  limits.pool = arrow::default_memory_pool();
  const auto reader = lane->read(plan(snapshot->describe(request("t"))), {}, limits);
  std::size_t at = 0;
  while (const auto batch = reader->next()) {
    const auto& column = static_cast<const arrow::DoubleArray&>(*batch->column(1));
    for (std::int64_t i = 0; i < column.length(); ++i, ++at) {
      ASSERT_EQ(std::bit_cast<std::uint64_t>(column.Value(i)), std::bit_cast<std::uint64_t>(values[at])) << values[at];
    }
  }
  EXPECT_EQ(at, values.size());
}

// SQLite turns what it can of a decimal into a double when it is stored: the shortest text of that double is the value.
TEST_F(OdbcValues, decimals_stored_as_doubles) {
  std::mt19937_64 random(3);
  std::string sql = "create table t (id integer primary key, d decimal(15,2), e decimal(18,7));";
  std::vector<Cells> expected;
  for (int i = 1; i <= 2000; ++i) {
    const auto cents = static_cast<std::int64_t>(random() % 2'000'000'000'000'000ULL) - 1'000'000'000'000'000;
    const std::int64_t shortened = i % 3 == 0 ? cents / 1'000'000'000 : cents % 1'000'000'000'000'000;
    const std::int64_t micro = static_cast<std::int64_t>(random() % 90'000'000'000ULL);
    char d[64];
    char e[64];
    std::snprintf(d, sizeof d, "%s%lld.%02lld", shortened < 0 ? "-" : "", static_cast<long long>(std::abs(shortened) / 100),
                  static_cast<long long>(std::abs(shortened) % 100));
    std::snprintf(e, sizeof e, "%lld.%07lld", static_cast<long long>(micro / 10'000'000),
                  static_cast<long long>(micro % 10'000'000));
    sql += "insert into t values (" + std::to_string(i) + ", " + d + ", " + e + ");";
    expected.push_back({std::to_string(i), d, e});
    if (expected.back()[1] == "-0.00") expected.back()[1] = "0.00";
  }
  make("begin;" + sql + "commit;");
  EXPECT_EQ(read_table("t"), expected);
}

TEST_F(OdbcValues, decimals_that_do_not_fit) {
  make(R"(create table a (id integer primary key, d decimal(10,2)); insert into a values (7, 0.1 + 0.2);
          create table b (d decimal(10,2)); insert into b values (1.005);
          create table c (d decimal(5,2)); insert into c values (1000.5);
          create table d (d decimal(5,2)); insert into d values (1000);
          create table e (d decimal(5,2)); insert into e values (9e999);
          create table f (d decimal(22,2)); insert into f values (12345678901234567890);
          create table g (d decimal(5,2)); insert into g values (' 1'), ('1x');)");
  expect_refusal("a", "column d (decimal(10,2)): the value '0.3000000000000000444");
  expect_refusal("a", "at id = '7'");
  for (const char* table : {"b", "c", "d"}) expect_refusal(table, "does not fit the precision and scale");
  expect_refusal("e", "is no decimal number");
  // SQLite itself has made a double of it, whose shortest text has zeros where the digits were: 12345678901234567000.
  EXPECT_EQ(read_table("f"), (std::vector<Cells>{{"12345678901234567000.00"}}));
  expect_refusal("g", "the value '1x' is no decimal number");
}

TEST_F(OdbcValues, decimals_without_bounds_travel_as_text) {
  make(R"(create table t (d decimal, w numeric(50,4));
          insert into t values (1.5, 12), (9223372036854775807, 0.1), (1e22, '-3.5'), (1e-7, null);)");
  EXPECT_EQ(read_table("t"), (std::vector<Cells>{{"1.5", "12"}, {"9223372036854775807", "0.1"},
                                                 {"10000000000000000000000", "-3.5"}, {"0.0000001", "NULL"}}));
}

TEST_F(OdbcValues, wrong_storage_classes_are_refused) {
  make(R"(create table int_text (id integer primary key, c integer); insert into int_text values (1, 5), (2, '12abc');
          create table int_real (c integer); insert into int_real values (1.5);
          create table int_blob (c integer); insert into int_blob values (x'31');
          create table int_nul (c integer); insert into int_nul values (cast(x'313200' as text));
          create table real_text (c real); insert into real_text values ('Inf');
          create table real_nan (c real); insert into real_nan values ('nan');
          create table text_blob (c text); insert into text_blob values (x'41');
          create table text_nul (c text, d text); insert into text_nul values ('x', cast(x'610062' as text));
          create table text_cancel (c text, d text);
            insert into text_cancel values (x'', cast(x'61006263' as text));
          create table text_utf8 (c text); insert into text_utf8 values (cast(x'c328' as text));
          create table blob_text (c blob); insert into blob_text values ('X''41''');
          create table blob_int (c blob); insert into blob_int values (5);
          create table date_text (c date); insert into date_text values ('2024-02-30');
          create table date_int (c date); insert into date_int values (20240229);
          create table date_nul (c date); insert into date_nul values (cast('2024-02-29' || char(0) || 'x' as text));
          create table date_long (c date); insert into date_long values ('2024-02-29 with a long text behind it');
          create table date_blob (c date); insert into date_blob values (x'323032342d30322d3239');
          create table ts_zone (c timestamp); insert into ts_zone values ('2024-02-29 10:00:00Z');
          create table ts_day (c timestamp); insert into ts_day values ('2024-02-29');
          create table ts_nano (c timestamp); insert into ts_nano values ('2024-02-29 10:00:00.1234567');
          create table ts_epoch (c timestamp); insert into ts_epoch values (1709164800);
          create table bool_two (c boolean); insert into bool_two values (2);
          create table bool_text (c boolean); insert into bool_text values ('true');)");
  expect_refusal("int_text", "the value '12abc' is neither an integer nor NULL, at id = '2'");
  expect_refusal("int_real", "the value '1.5' is not an integer");
  expect_refusal("int_blob", "is neither an integer nor NULL");
  expect_refusal("int_nul", "is neither an integer nor NULL");
  expect_refusal("real_text", "is neither a number nor NULL");
  expect_refusal("real_nan", "is neither a number nor NULL");
  expect_refusal("text_blob", "is neither text nor NULL");
  expect_refusal("text_nul", "a text with a NUL character");
  expect_refusal("text_cancel", "neither text nor NULL");
  expect_refusal("text_utf8", "is not valid UTF-8");
  expect_refusal("blob_text", "is neither a blob nor NULL");
  expect_refusal("blob_int", "is neither a blob nor NULL");
  expect_refusal("date_text", "'2024-02-30' is not a date of the form YYYY-MM-DD");
  expect_refusal("date_int", "is not a date");
  expect_refusal("date_nul", "a text with a NUL character");
  expect_refusal("date_long", "is not a date");
  expect_refusal("date_blob", "is a blob, not text");
  for (const char* table : {"ts_zone", "ts_day", "ts_nano", "ts_epoch"}) expect_refusal(table, "is not a timestamp");
  expect_refusal("bool_two", "is neither 0 nor 1");
  expect_refusal("bool_text", "is neither");
}

TEST_F(OdbcValues, undeclared_types_can_be_mapped_to_text) {
  make(R"(create table t (a, b uuid, c money, d blob);
          insert into t values ('x', '0b1e', 1.10, x'00'), (1, 2, null, null), (0.1, '', 1e300, null), (null, 'ä', 3, null);
          create table bad (a); insert into bad values (x'00');)");
  const auto from = source();
  const TableInfo info = from->snapshot({}, 1)->describe(request("t"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(info.columns[i].logical.has_value());
    EXPECT_FALSE(info.columns[i].refusal.empty());
    EXPECT_TRUE(info.columns[i].readable_as_text);
  }
  EXPECT_EQ(info.columns[0].bare_type, "ANY");
  const std::string large = "1" + std::string(300, '0');
  EXPECT_EQ(read_table("t"), (std::vector<Cells>{{"x", "0b1e", "1.1", "00"}, {"1", "2", "NULL", "NULL"},
                                                 {"0.1", "", large, "NULL"}, {"NULL", "ä", "3", "NULL"}}));
  expect_refusal("bad", "is a blob");
}

TEST_F(OdbcValues, long_cells_come_whole) {
  make("create table t (id integer primary key, c text, b blob)");
  Sqlite db(path());
  const std::vector<int> sizes{0, 1, 254, 255, 256, 257, 1023, 4096, 1 << 20, (8 << 20) - 1, (4 << 20) + 3};
  for (const int size : sizes) {
    db.must("insert into t (c, b) values (substr(replace(hex(zeroblob(" + std::to_string(size / 2 + 1) +
            ")), '0', 'z'), 1, " + std::to_string(size) + "), randomblob(" + std::to_string(size) + "))");
  }
  const auto from = source();
  const auto snapshot = from->snapshot({}, 1);
  const auto lane = snapshot->open_lane();
  ReadLimits limits;
  limits.pool = arrow::default_memory_pool();
  const auto reader = lane->read(plan(snapshot->describe(request("t"))), {}, limits);
  std::size_t at = 0;
  while (const auto batch = reader->next()) {
    const auto& text = static_cast<const arrow::StringArray&>(*batch->column(1));
    const auto& bytes = static_cast<const arrow::BinaryArray&>(*batch->column(2));
    for (std::int64_t i = 0; i < batch->num_rows(); ++i, ++at) {
      EXPECT_EQ(text.GetView(i), std::string(static_cast<std::size_t>(sizes[at]), 'z'));
      sqlite3_stmt* select = nullptr;
      sqlite3_prepare_v2(db.handle(), "select b from t where id = ?", -1, &select, nullptr);
      sqlite3_bind_int64(select, 1, static_cast<std::int64_t>(at) + 1);
      ASSERT_EQ(sqlite3_step(select), SQLITE_ROW);
      const std::string_view expected(static_cast<const char*>(sqlite3_column_blob(select, 0)),
                                      static_cast<std::size_t>(sqlite3_column_bytes(select, 0)));
      EXPECT_TRUE(bytes.GetView(i) == expected) << sizes[at];
      sqlite3_finalize(select);
    }
  }
  EXPECT_EQ(at, sizes.size());
  EXPECT_GE(reader->widest_row(), 24 << 20);
}

TEST_F(OdbcValues, cells_above_the_limit_are_refused) {
  make("create table t (c text); insert into t values (hex(zeroblob(1000)));"
       "create table b (c blob); insert into b values (zeroblob(2000));");
  ReadLimits limits;
  limits.max_cell_bytes = 1999;
  EXPECT_THROW(read_table("t", "", limits), Error);
  EXPECT_THROW(read_table("b", "", limits), Error);
  limits.max_cell_bytes = 2000;
  EXPECT_EQ(read_table("t", "", limits).size(), 1U);
  EXPECT_EQ(read_table("b", "", limits).size(), 1U);
}

TEST_F(OdbcValues, a_utf16_database) {
  make(R"(pragma encoding = 'UTF-16le'; create table t (c text, d date); insert into t values ('äß😀', '2024-02-29');
          create table nul (c text); insert into nul values ('a' || char(0) || 'b');)");
  EXPECT_EQ(read_table("t"), (std::vector<Cells>{{"äß😀", "2024-02-29"}}));
  expect_refusal("nul", "column c");
}

}  // namespace
}  // namespace pulk::test
