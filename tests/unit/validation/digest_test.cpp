#include "validation/digest.h"

#include <arrow/api.h>
#include <arrow/extension/uuid.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "validation/row_diff.h"

namespace pulk {
namespace {

ComparedColumn column(Meaning meaning, int scale = 0) { return {"c", meaning, scale, false}; }

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> array_of(std::shared_ptr<arrow::DataType> type, const std::vector<Value>& values) {
  Builder builder(std::move(type), arrow::default_memory_pool());
  for (const Value& value : values) EXPECT_TRUE(builder.Append(value).ok());
  return *builder.Finish();
}

std::shared_ptr<arrow::Array> texts(const std::vector<std::optional<std::string>>& values) {
  arrow::StringBuilder builder;
  for (const auto& value : values) EXPECT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  return *builder.Finish();
}

std::shared_ptr<arrow::Array> integers(const std::vector<std::int64_t>& values) {
  return array_of<arrow::Int64Builder>(arrow::int64(), values);
}

std::shared_ptr<arrow::Array> reals(const std::vector<double>& values) {
  return array_of<arrow::DoubleBuilder>(arrow::float64(), values);
}

std::shared_ptr<arrow::Array> decimals(int scale, const std::vector<std::string>& values) {
  arrow::Decimal128Builder builder(arrow::decimal128(38, scale));
  for (const std::string& text : values) EXPECT_TRUE(builder.Append(*arrow::Decimal128::FromString(text)).ok());
  return *builder.Finish();
}

Hash128 hash_at(const ComparedColumn& of, const std::shared_ptr<arrow::Array>& array, std::int64_t row = 0) {
  CellReader reader(of, array);
  return hash_of(of.meaning, reader.at(row));
}

std::string shown(const ComparedColumn& of, const std::shared_ptr<arrow::Array>& array, std::int64_t row = 0) {
  CellReader reader(of, array);
  return render(of, keep(reader.at(row), 128));
}

std::shared_ptr<arrow::RecordBatch> batch_of(const arrow::ArrayVector& arrays) {
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < arrays.size(); ++i) fields.push_back(arrow::field(std::to_string(i), arrays[i]->type()));
  return arrow::RecordBatch::Make(arrow::schema(fields), arrays.front()->length(), arrays);
}

struct Digested {
  std::vector<ComparedColumn> columns;
  std::vector<std::size_t> key;
  TableDigest digest;

  Digested(std::vector<ComparedColumn> of, std::vector<std::size_t> by, const std::vector<arrow::ArrayVector>& batches)
      : columns(std::move(of)), key(std::move(by)), digest(columns.size()) {
    RowHasher hasher(columns, key);
    for (const auto& arrays : batches) digest.add(hasher, *batch_of(arrays));
  }
  bool same(const Digested& other) const { return digest.buckets == other.digest.buckets; }
};

const std::vector<ComparedColumn> kTwoTexts = {column(Meaning::text), column(Meaning::text)};

TEST(Cell, TheSameNumberOfEveryType) {
  const ComparedColumn number = column(Meaning::number, 3);
  const Hash128 expected = hash_at(number, integers({-5}));
  EXPECT_EQ(hash_at(number, array_of<arrow::Int8Builder>(arrow::int8(), std::vector<std::int8_t>{-5})), expected);
  EXPECT_EQ(hash_at(number, array_of<arrow::Int16Builder>(arrow::int16(), std::vector<std::int16_t>{-5})), expected);
  EXPECT_EQ(hash_at(number, decimals(0, {"-5"})), expected);
  EXPECT_EQ(hash_at(number, decimals(3, {"-5.000"})), expected);
  EXPECT_NE(hash_at(number, decimals(3, {"-5.001"})), expected);
  EXPECT_EQ(shown(number, decimals(2, {"-5.10"})), "-5.100");
}

TEST(Cell, ANumberThatLeaves128BitsIsEqualToNothing) {
  const ComparedColumn number = column(Meaning::number, 38);
  const auto large = decimals(0, {"99999999999999999999999999999999999999", "0"});
  EXPECT_EQ(shown(number, large), "99999999999999999999999999999999999999");
  EXPECT_NE(hash_at(number, large), hash_at(number, large, 1));
  EXPECT_EQ(hash_at(number, large, 1), hash_at(number, decimals(38, {"0.00000000000000000000000000000000000000"})));
  // DuckDB's UHUGEINT arrives as text.
  EXPECT_EQ(hash_at(column(Meaning::number), texts({"12345"})), hash_at(column(Meaning::number), integers({12345})));
  EXPECT_EQ(shown(column(Meaning::number), texts({"340282366920938463463374607431768211455"})),
            "340282366920938463463374607431768211455");
}

TEST(Cell, RealsHaveOneZeroAndOneNaN) {
  const ComparedColumn real = column(Meaning::real);
  EXPECT_EQ(hash_at(real, reals({-0.0})), hash_at(real, reals({0.0})));
  EXPECT_EQ(hash_at(real, reals({std::nan("1")})), hash_at(real, reals({-std::nan("2")})));
  EXPECT_NE(hash_at(real, reals({std::numeric_limits<double>::denorm_min()})), hash_at(real, reals({0.0})));
  EXPECT_EQ(hash_at(real, array_of<arrow::FloatBuilder>(arrow::float32(), std::vector<float>{0.1F})),
            hash_at(real, reals({static_cast<double>(0.1F)})));
  EXPECT_EQ(hash_at(real, integers({7})), hash_at(real, reals({7.0})));
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(shown(real, reals({-infinity})), "-Infinity");
}

TEST(Cell, MomentsInEveryUnit) {
  const ComparedColumn moment = column(Meaning::moment);
  const auto at = [](arrow::TimeUnit::type unit, std::int64_t ticks) {
    return array_of<arrow::TimestampBuilder>(arrow::timestamp(unit), std::vector<std::int64_t>{ticks});
  };
  const Hash128 expected = hash_at(moment, at(arrow::TimeUnit::SECOND, -86400));
  EXPECT_EQ(hash_at(moment, at(arrow::TimeUnit::NANO, -86'400'000'000'000)), expected);
  EXPECT_EQ(hash_at(moment, at(arrow::TimeUnit::MICRO, -86'400'000'000)), expected);
  EXPECT_EQ(hash_at(moment, array_of<arrow::Date32Builder>(arrow::date32(), std::vector<std::int32_t>{-1})), expected);
  EXPECT_EQ(shown(moment, at(arrow::TimeUnit::MICRO, -1)), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(shown(moment, at(arrow::TimeUnit::SECOND, 951'782'400)), "2000-02-29 00:00:00");
  EXPECT_EQ(shown(moment, at(arrow::TimeUnit::MICRO, -63'517'824'000'000'000)), "0044-03-15 00:00:00 BC");
}

TEST(Cell, MomentsAndTimesAsText) {
  const ComparedColumn moment = column(Meaning::moment), time = column(Meaning::time);
  const Hash128 before = hash_at(moment, array_of<arrow::TimestampBuilder>(arrow::timestamp(arrow::TimeUnit::NANO),
                                                                          std::vector<std::int64_t>{-100}));
  for (const char* text : {"1969-12-31 23:59:59.9999999", "1970-01-01 05:29:59.9999999 +05:30",
                           "1969-12-31 11:59:59.999999900 -12:00"})
    EXPECT_EQ(hash_at(moment, texts({text})), before) << text;
  // Beyond 64 bits of nanoseconds: the number that Snowflake is asked for.
  EXPECT_EQ(hash_at(moment, texts({"0001-01-01 00:00:00.0000001"})), hash_at(moment, decimals(0, {"-62135596799999999900"})));
  EXPECT_EQ(hash_at(moment, texts({"9999-12-31 23:59:59.9999999"})), hash_at(moment, decimals(0, {"253402300799999999900"})));
  EXPECT_EQ(shown(moment, texts({"9999-12-31 23:59:59.9999999"})), "9999-12-31 23:59:59.9999999");
  EXPECT_EQ(hash_at(time, texts({"23:59:59.9999999"})),
            hash_at(time, array_of<arrow::Time64Builder>(arrow::time64(arrow::TimeUnit::NANO),
                                                         std::vector<std::int64_t>{86'399'999'999'900})));
  EXPECT_THROW(hash_at(time, texts({"24:00:00"})), Error);
}

TEST(Cell, UuidsAsTextAndAsBytes) {
  const ComparedColumn uuid = column(Meaning::uuid);
  arrow::FixedSizeBinaryBuilder builder(arrow::fixed_size_binary(16));
  ASSERT_TRUE(builder.Append(std::string("\x01\x23\x45\x67\x89\xab\xcd\xef\xff\x00\x00\x00\x00\x00\x00\x01", 16)).ok());
  const std::shared_ptr<arrow::Array> bytes = *builder.Finish();
  const auto extension = std::make_shared<arrow::ExtensionArray>(arrow::extension::uuid(), bytes);
  const std::string text = "01234567-89ab-cdef-ff00-000000000001";
  EXPECT_EQ(hash_at(uuid, bytes), hash_at(uuid, texts({text})));
  EXPECT_EQ(hash_at(uuid, extension), hash_at(uuid, texts({text})));
  EXPECT_EQ(shown(uuid, bytes), text);
}

TEST(Cell, WhatItCannotBeIsRefused) {
  EXPECT_THROW(hash_at(column(Meaning::moment), texts({"2024-01-01"})), Error);
  EXPECT_THROW(hash_at(column(Meaning::uuid), texts({"no uuid"})), Error);
}

TEST(Digest, NullIsNotEmpty) {
  const ComparedColumn text = column(Meaning::text);
  const auto both = texts({std::nullopt, ""});
  EXPECT_NE(hash_at(text, both, 0), hash_at(text, both, 1));
  const Digested with_null({text}, {}, {{texts({std::nullopt})}});
  const Digested with_empty({text}, {}, {{texts({""})}});
  EXPECT_FALSE(with_null.same(with_empty));
  EXPECT_FALSE(with_null.digest.columns[0].same(with_empty.digest.columns[0]));
  // Two NULLs in one column are not one in each of two.
  const Digested left(kTwoTexts, {}, {{texts({std::nullopt}), texts({"x"})}});
  const Digested right(kTwoTexts, {}, {{texts({"x"}), texts({std::nullopt})}});
  EXPECT_FALSE(left.same(right));
}

TEST(Digest, TextDoesNotMoveAcrossColumns) {
  const Digested one(kTwoTexts, {}, {{texts({"ab"}), texts({"c"})}});
  const Digested other(kTwoTexts, {}, {{texts({"a"}), texts({"bc"})}});
  const Digested swapped(kTwoTexts, {}, {{texts({"c"}), texts({"ab"})}});
  EXPECT_FALSE(one.same(other));
  EXPECT_FALSE(one.same(swapped));
}

TEST(Digest, OrderAndBatchesDoNotMatter) {
  const std::vector<ComparedColumn> columns = {column(Meaning::number), column(Meaning::text)};
  const Digested forwards(columns, {0}, {{integers({1, 2, 3}), texts({"a", "b", std::nullopt})}});
  const Digested backwards(columns, {0}, {{integers({3, 2}), texts({std::nullopt, "b"})}, {integers({1}), texts({"a"})}});
  EXPECT_TRUE(forwards.same(backwards));
  EXPECT_TRUE(forwards.digest.columns[1].same(backwards.digest.columns[1]));
  EXPECT_EQ(forwards.digest.columns[0].sum, backwards.digest.columns[0].sum);
  Digested merged(columns, {0}, {{integers({3}), texts({std::nullopt})}});
  merged.digest.merge(columns, Digested(columns, {0}, {{integers({1, 2}), texts({"a", "b"})}}).digest);
  EXPECT_TRUE(merged.same(forwards));
  EXPECT_EQ(render(columns[0], *merged.digest.columns[0].min), "1");
  EXPECT_EQ(render(columns[0], *merged.digest.columns[0].max), "3");
  EXPECT_EQ(merged.digest.columns[1].nulls, 1);
}

TEST(Digest, RowsThatSwapAValueDifferWhereColumnsDoNot) {
  const std::vector<ComparedColumn> columns = {column(Meaning::number), column(Meaning::text)};
  const Digested right(columns, {0}, {{integers({1, 2}), texts({"a", "b"})}});
  const Digested swapped(columns, {0}, {{integers({1, 2}), texts({"b", "a"})}});
  EXPECT_TRUE(right.digest.columns[1].same(swapped.digest.columns[1]));
  EXPECT_FALSE(right.same(swapped));
}

TEST(Digest, RepeatedRowsDoNotCancelOut) {
  const ComparedColumn number = column(Meaning::number);
  const Digested once({number}, {0}, {{integers({7})}});
  const Digested thrice({number}, {0}, {{integers({7, 7, 7})}});
  EXPECT_FALSE(once.same(thrice));
  EXPECT_FALSE(once.digest.columns[0].same(thrice.digest.columns[0]));
}

TEST(Digest, RangeOfTextIsByItsFirstBytes) {
  const ComparedColumn text = column(Meaning::text);
  const std::string same(64, 'x');
  const Digested digested({text}, {}, {{texts({same + "b", same + "a", "y"})}});
  EXPECT_TRUE(digested.digest.columns[0].min->cut);
  EXPECT_EQ(digested.digest.columns[0].max->bytes, "y");
}

TEST(Sum, IsExactBeyond128Bits) {
  WideSum sum;
  const Int128 largest = static_cast<Int128>(~UInt128{0} >> 1);
  for (int i = 0; i < 5; ++i) sum.add(largest);
  EXPECT_EQ(sum.text(0), "850705917302346158658436518579420528635");
  WideSum negative;
  for (int i = 0; i < 5; ++i) negative.add(-largest);
  EXPECT_EQ(negative.text(2), "-8507059173023461586584365185794205286.35");
  sum.add(negative);
  EXPECT_EQ(sum.text(0), "0");
  EXPECT_EQ(sum, WideSum());
}

RowDifferences differences(const std::vector<ComparedColumn>& columns, const std::vector<std::size_t>& key,
                           const arrow::ArrayVector& source, const arrow::ArrayVector& target,
                           std::int64_t most_bytes = 1 << 20) {
  RowDiff diff(columns, key, std::vector<bool>(kBuckets, true), most_bytes);
  RowHasher hasher(columns, key);
  for (const Side side : {Side::source, Side::target}) {
    const auto batch = batch_of(side == Side::source ? source : target);
    hasher.hash(*batch, nullptr);
    diff.add(side, side == Side::source ? 1 : 0, hasher, *batch);
  }
  return diff.finish(100);
}

TEST(RowDiff, NamesEachKindInTheOrderOfKeys) {
  const std::vector<ComparedColumn> columns = {column(Meaning::number), column(Meaning::text)};
  const RowDifferences found = differences(columns, {0}, {integers({10, 2, 3, 4}), texts({"a", "b", "c", "d"})},
                                           {integers({4, 2, 3, 3, 11}), texts({"d", "B", "c", "c", "e"})});
  ASSERT_EQ(found.first.size(), 4U);
  EXPECT_EQ(found.first[0].finding, RowFinding::changed);
  EXPECT_EQ(found.first[0].values.at(0).source, "'b'");
  EXPECT_EQ(found.first[0].values.at(0).target, "'B'");
  EXPECT_EQ(found.first[1].finding, RowFinding::repeated);
  EXPECT_EQ(found.first[1].target_rows, 2);
  EXPECT_EQ(found.first[2].finding, RowFinding::missing);
  EXPECT_EQ(found.first[2].key.at(0).second, "10");
  EXPECT_EQ(found.first[3].finding, RowFinding::extra);
  EXPECT_EQ(found.missing, 1);
  EXPECT_EQ(found.extra, 2);
  EXPECT_EQ(found.changed, 1);
  EXPECT_EQ(found.by_partition.at(1), 2);
}

TEST(RowDiff, ARepeatedRowUnderAKeyThatAlsoChanged) {
  const std::vector<ComparedColumn> columns = {column(Meaning::number), column(Meaning::text)};
  const RowDifferences found = differences(columns, {0}, {integers({1, 1}), texts({"a", "a"})}, {integers({1}), texts({"b"})});
  EXPECT_EQ(found.changed, 1);
  EXPECT_EQ(found.missing, 1);
  EXPECT_EQ(found.extra, 0);
}

TEST(RowDiff, EndsAtItsLimit) {
  const std::vector<ComparedColumn> columns = {column(Meaning::number)};
  std::vector<std::int64_t> many(1000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::int64_t>(i);
  EXPECT_TRUE(differences(columns, {0}, {integers(many)}, {integers({})}, 10'000).overflowed);
  // Rows that are the same take their place once.
  EXPECT_FALSE(differences(columns, {}, {integers(std::vector<std::int64_t>(1000, 5))}, {integers({})}, 10'000).overflowed);
}

}  // namespace
}  // namespace pulk
