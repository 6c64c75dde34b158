// Helpers of the PostgreSQL source's tests: plans with natural carriers, and rows read back as text.
#pragma once

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "source/postgres/postgres_source.h"
#include "source/source.h"
#include "unit/source/postgres_server.h"

namespace pulk::test {

inline TableRequest request(const std::string& schema, const std::string& table, const std::string& filter = "") {
  TableRequest wanted;
  wanted.schema = {schema, true};
  wanted.table = {table, true};
  wanted.filter = filter;
  return wanted;
}

inline TableRequest query_request(const std::string& query) {
  TableRequest wanted;
  wanted.query = query;
  return wanted;
}

inline TablePlan plan_of(const TableInfo& info) {
  TablePlan plan;
  plan.label = info.object.is_query() ? "query" : info.object.name.display();
  plan.source = info.object;
  plan.schema_fingerprint = info.fingerprint;
  for (const SourceColumn& column : info.columns) {
    ColumnPlan planned;
    planned.source_name = planned.target_name = column.name;
    planned.source_type = column.native_type;
    planned.nullable = column.nullable;
    planned.logical = column.logical.value_or(LogicalType{TypeKind::text, 0, 0, 0});
    planned.carrier = natural_carrier(planned.logical);
    plan.columns.push_back(planned);
  }
  return plan;
}

// Numbers of days and microseconds as they are, decimals and text as text.
inline std::string cell(const std::shared_ptr<arrow::Array>& column, std::int64_t row) {
  if (column->IsNull(row)) return "NULL";
  switch (column->type_id()) {
    case arrow::Type::EXTENSION:
      return cell(static_cast<const arrow::ExtensionArray&>(*column).storage(), row);
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(*column).Value(row) ? "true" : "false";
    case arrow::Type::INT16:
      return std::to_string(static_cast<const arrow::Int16Array&>(*column).Value(row));
    case arrow::Type::INT32:
      return std::to_string(static_cast<const arrow::Int32Array&>(*column).Value(row));
    case arrow::Type::INT64:
      return std::to_string(static_cast<const arrow::Int64Array&>(*column).Value(row));
    case arrow::Type::FLOAT:
      return fmt::format("{}", static_cast<const arrow::FloatArray&>(*column).Value(row));
    case arrow::Type::DOUBLE:
      return fmt::format("{}", static_cast<const arrow::DoubleArray&>(*column).Value(row));
    case arrow::Type::DECIMAL128:
      return static_cast<const arrow::Decimal128Array&>(*column).FormatValue(row);
    case arrow::Type::STRING:
      return static_cast<const arrow::StringArray&>(*column).GetString(row);
    case arrow::Type::BINARY: {
      std::string hex = "x";
      for (const unsigned char c : static_cast<const arrow::BinaryArray&>(*column).GetView(row))
        hex += fmt::format("{:02x}", c);
      return hex;
    }
    case arrow::Type::FIXED_SIZE_BINARY: {
      std::string hex;
      for (const unsigned char c : static_cast<const arrow::FixedSizeBinaryArray&>(*column).GetView(row)) {
        hex += fmt::format("{:02x}", c);
      }
      return hex;
    }
    case arrow::Type::DATE32:
      return std::to_string(static_cast<const arrow::Date32Array&>(*column).Value(row));
    case arrow::Type::TIME64:
      return std::to_string(static_cast<const arrow::Time64Array&>(*column).Value(row));
    case arrow::Type::TIMESTAMP:
      return std::to_string(static_cast<const arrow::TimestampArray&>(*column).Value(row));
    default:
      return "unexpected type " + column->type()->ToString();
  }
}

inline ReadLimits limits() {
  ReadLimits result;
  result.pool = arrow::default_memory_pool();
  return result;
}

// Rows as "a|b|c".
inline std::vector<std::string> read_rows(SourceLane& lane, const TablePlan& plan, const PartitionPlan& part,
                                          const ReadLimits& how = limits()) {
  std::vector<std::string> rows;
  const auto reader = lane.read(plan, part, how);
  while (const auto batch = reader->next()) {
    EXPECT_TRUE(batch->ValidateFull().ok()) << batch->ValidateFull().ToString();
    for (std::int64_t i = 0; i < batch->num_rows(); ++i) {
      std::string line;
      for (int c = 0; c < batch->num_columns(); ++c) line += (c > 0 ? "|" : "") + cell(batch->column(c), i);
      rows.push_back(std::move(line));
    }
  }
  return rows;
}

// The Error that `body` throws.
template <typename Body>
Error error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorKind::internal, "no error was thrown");
}

}  // namespace pulk::test
