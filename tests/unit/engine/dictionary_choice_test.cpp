#include "engine/dictionary_choice.h"

#include <arrow/builder.h>
#include <arrow/extension/uuid.h>
#include <gtest/gtest.h>

#include <functional>

namespace pulk {
namespace {

using Column = std::vector<std::shared_ptr<arrow::Array>>;

// Two arrays of `rows` values each; value(i) of row i.
template <class Builder>
Column column(std::int64_t rows, const std::function<typename Builder::value_type(std::int64_t)>& value) {
  Column arrays;
  for (int array = 0; array < 2; ++array) {
    Builder builder;
    for (std::int64_t i = 0; i < rows; ++i) EXPECT_TRUE(builder.Append(value(array * rows + i)).ok());
    arrays.push_back(*builder.Finish());
  }
  return arrays;
}

Column text(std::int64_t rows, const std::function<std::string(std::int64_t)>& value) {
  arrow::StringBuilder builder;
  for (std::int64_t i = 0; i < rows; ++i) EXPECT_TRUE(builder.Append(value(i)).ok());
  return {*builder.Finish()};
}

TEST(DictionaryChoice, ValuesThatRepeatHaveOne) {
  EXPECT_TRUE(worth_a_dictionary(column<arrow::Int64Builder>(50'000, [](std::int64_t i) { return i % 10'000; })));
  EXPECT_TRUE(worth_a_dictionary(text(20'000, [](std::int64_t i) { return "mode " + std::to_string(i * 7 % 9); })));
}

TEST(DictionaryChoice, ValuesThatDoNotHaveNone) {
  EXPECT_FALSE(worth_a_dictionary(column<arrow::Int64Builder>(50'000, [](std::int64_t i) { return i; })));
  EXPECT_FALSE(worth_a_dictionary(text(20'000, [](std::int64_t i) { return "row " + std::to_string(i); })));
  EXPECT_FALSE(worth_a_dictionary(column<arrow::BooleanBuilder>(100, [](std::int64_t i) { return i % 2 == 0; })));
  EXPECT_FALSE(worth_a_dictionary({}));
}

// Each order has four lines, one after the other: neighbours are equal, and yet the values of a row group are many.
TEST(DictionaryChoice, TheSampleIsSpreadOverAllRows) {
  EXPECT_FALSE(worth_a_dictionary(column<arrow::Int64Builder>(50'000, [](std::int64_t i) { return i / 4; })));
}

TEST(DictionaryChoice, NullsAreNoValues) {
  arrow::Int32Builder builder;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE((i % 10 == 0 ? builder.Append(i) : builder.AppendNull()).ok());
  EXPECT_FALSE(worth_a_dictionary({*builder.Finish()}));
}

TEST(DictionaryChoice, OnlyTheRowsOfASliceCount) {
  const Column all = text(20'000, [](std::int64_t i) { return i < 10'000 ? std::string("same") : std::to_string(i); });
  EXPECT_TRUE(worth_a_dictionary({all[0]->Slice(0, 10'000)}));
  EXPECT_FALSE(worth_a_dictionary({all[0]->Slice(10'000)}));
}

TEST(DictionaryChoice, ExtensionTypesAreWhatTheyStore) {
  arrow::FixedSizeBinaryBuilder builder(arrow::fixed_size_binary(16));
  for (int i = 0; i < 1000; ++i) {
    std::string value(16, 'x');
    value[15] = static_cast<char>(i % 2);
    EXPECT_TRUE(builder.Append(value).ok());
  }
  EXPECT_TRUE(worth_a_dictionary({arrow::ExtensionType::WrapArray(arrow::extension::uuid(), *builder.Finish())}));
}

}  // namespace
}  // namespace pulk
