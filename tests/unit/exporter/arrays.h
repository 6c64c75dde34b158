// Arrays and batches written by hand, and the text that an encoder makes of them.
#pragma once

#include <arrow/api.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/text_encoder.h"

namespace pulk::test {

using ArrayPtr = std::shared_ptr<arrow::Array>;

template <typename Builder, typename Value>
ArrayPtr array_of(const std::shared_ptr<arrow::DataType>& type, const std::vector<std::optional<Value>>& values) {
  Builder builder(type, arrow::default_memory_pool());
  for (const auto& value : values)
    if (!(value ? builder.Append(*value) : builder.AppendNull()).ok()) std::abort();
  return builder.Finish().ValueOrDie();
}

inline ArrayPtr texts(const std::vector<std::optional<std::string>>& values) {
  return array_of<arrow::StringBuilder>(arrow::utf8(), values);
}
inline ArrayPtr integers(const std::vector<std::optional<std::int64_t>>& values) {
  return array_of<arrow::Int64Builder>(arrow::int64(), values);
}
inline ArrayPtr doubles(const std::vector<std::optional<double>>& values) {
  return array_of<arrow::DoubleBuilder>(arrow::float64(), values);
}
inline ArrayPtr dates(const std::vector<std::optional<std::int32_t>>& days) {
  return array_of<arrow::Date32Builder>(arrow::date32(), days);
}
inline ArrayPtr moments(arrow::TimeUnit::type unit, const std::string& zone,
                        const std::vector<std::optional<std::int64_t>>& counts) {
  return array_of<arrow::TimestampBuilder>(arrow::timestamp(unit, zone), counts);
}
// `digits` without a point.
inline ArrayPtr decimals(int precision, int scale, const std::vector<std::optional<std::string>>& digits) {
  std::vector<std::optional<arrow::Decimal128>> values;
  for (const auto& text : digits)
    values.push_back(text ? std::optional(arrow::Decimal128::FromString(*text).ValueOrDie()) : std::nullopt);
  return array_of<arrow::Decimal128Builder>(arrow::decimal128(precision, scale), values);
}

inline std::shared_ptr<arrow::Field> json_field(const std::string& name) {
  return arrow::field(name, arrow::utf8(), true, arrow::key_value_metadata({{"logicalType", "VARIANT"}}));
}

struct Column {
  std::shared_ptr<arrow::Field> field;
  ArrayPtr array;
};
inline Column column(const std::string& name, const ArrayPtr& array) {
  return {arrow::field(name, array->type()), array};
}

// A whole file of these columns.
inline std::string encoded(const ExportEntry& entry, const std::vector<Column>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const Column& one : columns) fields.push_back(one.field), arrays.push_back(one.array);
  const auto schema = arrow::schema(fields);
  const auto encoder = make_text_encoder(entry, schema);
  std::string out;
  encoder->begin(out);
  encoder->encode(*arrow::RecordBatch::Make(schema, arrays[0]->length(), arrays), out);
  encoder->end(out);
  return out;
}

}  // namespace pulk::test
