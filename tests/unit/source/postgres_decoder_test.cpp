#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <random>

#include "source/postgres/row_decoder.h"
#include "unit/source/postgres_reading.h"
#include "unit/source/postgres_wire_values.h"

namespace pulk::postgres {
namespace {

using namespace pulk::test;  // NOLINT: the wire helpers

ReadColumn column(const std::string& name, Decode decode, Carrier carrier, bool nullable = true) {
  ReadColumn read;
  read.decode = decode;
  read.plan.source_name = read.plan.target_name = name;
  read.plan.source_type = "type";
  read.plan.carrier = carrier;
  read.plan.nullable = nullable;
  return read;
}

const Carrier utf8{CarrierKind::utf8, 0, 0}, int32{CarrierKind::int32, 0, 0}, date{CarrierKind::date32, 0, 0},
    micros{CarrierKind::timestamp_us, 0, 0}, decimal{CarrierKind::decimal128, 10, 2},
    boolean{CarrierKind::boolean, 0, 0};

std::vector<ReadColumn> one(Decode decode, Carrier carrier) { return {column("c", decode, carrier)}; }

// The single cell of a single row, or the message of the error.
std::string through(Decode decode, Carrier carrier, const std::string& bytes, bool check_text = false) {
  RowDecoder decoder("t", one(decode, carrier), limits(), check_text);
  try {
    decoder.consume(wire_header() + wire_row({wire_cell(bytes)}));
  } catch (const Error& error) {
    return error.message();
  }
  return cell(decoder.take_batch()->column(0), 0);
}

TEST(PostgresDecoder, DatesAtTheEdges) {
  const auto days = [](std::int64_t value) {
    return through(Decode::date, date, big_endian(static_cast<std::uint32_t>(value), 4));
  };
  EXPECT_EQ(days(0), "10957");
  EXPECT_EQ(days(-10957), "0");
  EXPECT_EQ(days(-2451545), "-2440588");  // 4714-11-24 BC, the first day
  EXPECT_EQ(days(2145031948), "2145042905");
  EXPECT_NE(days(2147483647).find(": infinity"), std::string::npos);
  EXPECT_NE(days(-2147483648LL).find(": -infinity"), std::string::npos);
}

TEST(PostgresDecoder, TimestampsAtTheEdges) {
  const auto at = [](std::int64_t value) {
    return through(Decode::timestamp, micros, big_endian(static_cast<std::uint64_t>(value), 8));
  };
  EXPECT_EQ(at(0), "946684800000000");
  EXPECT_EQ(at(-211813488000000000), "-210866803200000000");
  constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max() - 946684800000000;
  EXPECT_EQ(at(last - 1), "9223372036854775806");
  // DuckDB reads the last number as infinity.
  EXPECT_NE(at(last).find("294247-01-10 04:00:54.775807"), std::string::npos) << at(last);
  EXPECT_NE(at(last + 1).find("294247-01-10"), std::string::npos) << at(last + 1);
  EXPECT_NE(at(std::numeric_limits<std::int64_t>::max()).find(": infinity"), std::string::npos);
  EXPECT_NE(at(std::numeric_limits<std::int64_t>::min()).find(": -infinity"), std::string::npos);
}

TEST(PostgresDecoder, TextOfAServerThatPromisesNoEncoding) {
  EXPECT_EQ(through(Decode::text, utf8, "\xc5\xbb", true), "\xc5\xbb");
  EXPECT_NE(through(Decode::text, utf8, "a\xff", true).find("'a\\xff' is not UTF-8"), std::string::npos);
}

TEST(PostgresDecoder, PrintedTextIsAlwaysChecked) {
  EXPECT_EQ(through(Decode::printed, utf8, "{\xc5\xbb}"), "{\xc5\xbb}");
  EXPECT_NE(through(Decode::printed, utf8, "{\xff}").find("'{\\xff}' is not UTF-8"), std::string::npos);
}

TEST(PostgresDecoder, OneByteOfChar) {
  const auto byte = [](int value) {
    return through(Decode::char_byte, utf8, big_endian(static_cast<unsigned>(value), 1));
  };
  EXPECT_EQ(byte(0), "");
  EXPECT_EQ(byte('a'), "a");
  EXPECT_EQ(byte('\\'), "\\");
  EXPECT_EQ(byte(127), "\x7f");
  EXPECT_EQ(byte(128), "\\200");
  EXPECT_EQ(byte(255), "\\377");
}

TEST(PostgresDecoder, UnsignedNumbers) {
  EXPECT_EQ(through(Decode::unsigned32, {CarrierKind::int64, 0, 0}, big_endian(0xffffffff, 4)), "4294967295");
  const Carrier digits20{CarrierKind::decimal128, 20, 0};
  EXPECT_EQ(through(Decode::unsigned64_decimal, digits20, big_endian(~0ULL, 8)), "18446744073709551615");
}

TEST(PostgresDecoder, MoneyOfAnyScale) {
  const auto money = [](std::int64_t value, int digits, Carrier carrier) {
    ReadColumn read =
        column("c", carrier.kind == CarrierKind::utf8 ? Decode::money_text : Decode::money_decimal, carrier);
    read.plan.logical = {TypeKind::decimal, 19, digits, 0};
    RowDecoder decoder("t", {read}, limits(), false);
    try {
      decoder.consume(wire_header() + wire_row({wire_cell(big_endian(static_cast<std::uint64_t>(value), 8))}));
    } catch (const Error& error) {
      return error.message();
    }
    return cell(decoder.take_batch()->column(0), 0);
  };
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(money(least, 2, {CarrierKind::decimal128, 19, 2}), "-92233720368547758.08");
  EXPECT_EQ(money(least, 2, utf8), "-92233720368547758.08");
  EXPECT_EQ(money(1234, 0, {CarrierKind::decimal128, 19, 0}), "1234");
  EXPECT_EQ(money(1234, 0, utf8), "1234");
  EXPECT_EQ(money(-5, 3, utf8), "-0.005");
  EXPECT_EQ(money(0, 2, utf8), "0.00");
  EXPECT_EQ(money(-5, 3, {CarrierKind::decimal128, 20, 4}), "-0.0050");
  EXPECT_EQ(money(1200, 2, {CarrierKind::decimal128, 3, 0}), "12");
  EXPECT_NE(money(1210, 2, {CarrierKind::decimal128, 3, 0}).find("12.10 does not fit"), std::string::npos);
  EXPECT_NE(money(100000, 2, {CarrierKind::decimal128, 3, 0}).find("1000.00 does not fit"), std::string::npos);
  EXPECT_NE(money(least, 0, {CarrierKind::decimal128, 38, 38}).find("does not fit"), std::string::npos);
}

TEST(PostgresDecoder, ValuesOfAWrongSizeAreDrift) {
  for (const auto& [decode, carrier] :
       {std::pair{Decode::int32, int32}, std::pair{Decode::date, date}, std::pair{Decode::timestamp, micros},
        std::pair{Decode::boolean, boolean}, std::pair{Decode::unsigned32, Carrier{CarrierKind::int64, 0, 0}},
        std::pair{Decode::money_text, utf8}, std::pair{Decode::char_byte, utf8}}) {
    RowDecoder decoder("t", one(decode, carrier), limits(), false);
    const Error error = error_of([&] { decoder.consume(wire_header() + wire_row({wire_cell("123")})); });
    EXPECT_EQ(error.kind(), ErrorKind::drift);
  }
}

TEST(PostgresDecoder, RowsNullsAndBatches) {
  const std::vector<ReadColumn> columns = {column("i", Decode::int32, int32), column("s", Decode::text, utf8),
                                           column("b", Decode::boolean, boolean),
                                           column("d", Decode::numeric_decimal, decimal)};
  ReadLimits small = limits();
  small.batch_rows = 3000;
  RowDecoder decoder("t", columns, small, false);
  decoder.consume(wire_header());
  int batches = 0;
  std::int64_t next = 0;
  const auto check = [&](const std::shared_ptr<arrow::RecordBatch>& batch) {
    ASSERT_TRUE(batch->ValidateFull().ok());
    for (std::int64_t i = 0; i < batch->num_rows(); ++i, ++next) {
      const bool null = next % 5 == 4;
      ASSERT_EQ(cell(batch->column(0), i), null ? "NULL" : std::to_string(next));
      ASSERT_EQ(cell(batch->column(1), i), null ? "NULL" : std::string(static_cast<std::size_t>(next % 17), 'y'));
      ASSERT_EQ(cell(batch->column(2), i), null ? "NULL" : next % 2 == 1 ? "true" : "false");
      ASSERT_EQ(cell(batch->column(3), i), null ? "NULL" : std::to_string(next % 100) + ".50");
    }
    ++batches;
  };
  for (int i = 0; i < 7000; ++i) {
    const auto or_null = [&](const std::string& bytes) { return i % 5 == 4 ? wire_null() : wire_cell(bytes); };
    decoder.consume(
        wire_row({or_null(big_endian(static_cast<std::uint64_t>(i), 4)),
                  or_null(std::string(static_cast<std::size_t>(i % 17), 'y')),
                  or_null(std::string(1, static_cast<char>(i % 2))), or_null(wire_numeric({i % 100, 5000}, 0, 0, 1))}));
    if (decoder.batch_full()) check(decoder.take_batch());
  }
  decoder.consume(wire_trailer());
  check(decoder.take_batch());
  EXPECT_EQ(batches, 3);
  EXPECT_EQ(decoder.rows(), 7000);
  EXPECT_EQ(decoder.take_batch(), nullptr);
  EXPECT_TRUE(decoder.trailer_seen());
}

TEST(PostgresDecoder, NullWhereThePlanHasNone) {
  RowDecoder decoder("t", {column("c", Decode::int32, int32, false)}, limits(), false);
  EXPECT_EQ(error_of([&] { decoder.consume(wire_header() + wire_row({wire_null()})); }).kind(), ErrorKind::drift);
}

TEST(PostgresDecoder, AnotherNumberOfColumnsIsDrift) {
  RowDecoder decoder("t", one(Decode::int32, int32), limits(), false);
  EXPECT_EQ(error_of([&] { decoder.consume(wire_header() + wire_row({wire_null(), wire_null()})); }).kind(),
            ErrorKind::drift);
}

TEST(PostgresDecoder, TruncatedAnywhereIsACleanError) {
  const std::string whole = wire_header() + wire_row({wire_cell("abc"), wire_cell(big_endian(5, 4))}) + wire_trailer();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    RowDecoder decoder("t", {column("a", Decode::text, utf8), column("b", Decode::int32, int32)}, limits(), false);
    try {
      decoder.consume(std::string_view(whole).substr(0, size));
      EXPECT_FALSE(decoder.trailer_seen()) << size;  // between two messages: the reader looks for the trailer
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::integrity) << size;
    }
  }
  RowDecoder decoder("t", one(Decode::int32, int32), limits(), false);
  decoder.consume(wire_header() + wire_trailer());
  EXPECT_EQ(error_of([&] { decoder.consume(wire_row({wire_null()})); }).kind(), ErrorKind::integrity);
}

TEST(PostgresDecoder, GarbageNeverCrashes) {
  const std::vector<ReadColumn> columns = {column("a", Decode::text, utf8),
                                           column("b", Decode::numeric_decimal, decimal),
                                           column("c", Decode::timestamp, micros),
                                           column("d", Decode::jsonb, {CarrierKind::json, 0, 0}),
                                           column("e", Decode::boolean, boolean),
                                           column("f", Decode::integer, {CarrierKind::int16, 0, 0}),
                                           column("g", Decode::printed, utf8),
                                           column("h", Decode::char_byte, utf8),
                                           column("i", Decode::money_decimal, decimal)};
  std::mt19937 random(42);
  for (int round = 0; round < 20'000; ++round) {
    std::string row =
        wire_row({wire_cell("abc"), wire_cell(wire_numeric({1, 5000}, 0, 0, 1)), wire_cell(big_endian(7, 8)),
                  wire_cell("\x01{}"), wire_cell("\x01"), wire_cell(big_endian(9, 4)), wire_cell("{1,2}"),
                  wire_cell("x"), wire_cell(big_endian(1234, 8))});
    for (unsigned i = random() % 4; i > 0; --i) row[random() % row.size()] = static_cast<char>(random());
    if (random() % 4 == 0) row.resize(random() % row.size());
    RowDecoder decoder("t", columns, limits(), true);
    try {
      decoder.consume(wire_header() + row + row);
      const auto batch = decoder.take_batch();
      EXPECT_TRUE(batch == nullptr || batch->ValidateFull().ok());
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace pulk::postgres
