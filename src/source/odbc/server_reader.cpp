#include "source/odbc/server_reader.h"

#include <arrow/array/data.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/strings.h"
#include "catalog/arrow_schema.h"
#include "source/odbc/native_sink.h"

namespace pulk::odbc {
namespace {

constexpr std::size_t kBlockBytes = 512 * 1024;
// How often a long read looks whether the run was cancelled; the driver is interrupted besides.
constexpr std::int64_t kRowsBetweenChecks = 1024;

}  // namespace

std::string where_all(const std::vector<std::string>& conditions) {
  std::string text;
  for (const std::string& condition : conditions) {
    if (!condition.empty()) text += (text.empty() ? " WHERE (" : " AND (") + condition + "\n)";
  }
  return text;
}

ServerReader::ServerReader(std::shared_ptr<Connection> connection, const ServerDialect& dialect, TablePlan table,
                           const PartitionPlan& partition, const ReadLimits& limits)
    : connection_(std::move(connection)),
      table_(std::move(table)),
      partition_(partition.display.empty() ? "the table" : partition.display),
      limits_(limits),
      schema_(arrow_schema(table_.columns)) {
  std::vector<std::string> expressions;
  std::vector<CellWidth> widths;
  for (const ColumnPlan& column : table_.columns) {
    columns_.push_back(dialect.read_as(column));
    expressions.push_back(columns_.back().expression);
    widths.push_back(native_width(columns_.back()));
    sinks_.push_back(make_native_sink(columns_.back().form, column, limits.pool));
  }
  std::string sql = "SELECT " + join(expressions, ", ") + " FROM " + dialect.from_item(table_.source) +
                    where_all({table_.source.filter, partition.predicate});
  if (limits.max_rows >= 0) sql += " LIMIT " + std::to_string(limits.max_rows);
  statement_ = std::make_unique<Statement>(*connection_);
  statement_->execute(sql);
  block_ = std::make_unique<BlockReader>(*statement_, widths, kBlockBytes);
}

ServerReader::~ServerReader() {
  const std::lock_guard lock(connection_->mutex());
  block_.reset();
  statement_.reset();
}

// For people: the beginning of the cell, without what a terminal would take amiss.
std::string ServerReader::shown(std::size_t column) const {
  constexpr std::size_t kReadable = 40;
  const Cell cell = block_->cell(column);
  if (cell.is_null) return "NULL";
  switch (columns_[column].form) {
    case NativeForm::integer:
    case NativeForm::boolean: {
      std::int64_t value = 0;
      std::memcpy(&value, cell.text.data(), sizeof value);
      return std::to_string(value);
    }
    case NativeForm::float32:
    case NativeForm::float64: {
      double value = 0;
      std::memcpy(&value, cell.text.data(), sizeof value);
      return fmt::format("{}", value);
    }
    default: break;
  }
  std::string out;
  for (const char c : cell.text.substr(0, kReadable)) out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  if (!valid_utf8(out)) std::erase_if(out, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return "'" + out + (cell.text.size() > kReadable || !cell.is_whole() ? "...'" : "'");
}

std::string ServerReader::row_key() const {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    const ColumnPlan& column = table_.columns[i];
    const auto& key = table_.primary_key;
    if (std::find(key.begin(), key.end(), column.target_name) != key.end())
      parts.push_back(column.source_name + " = " + shown(i));
  }
  return parts.empty() ? "row " + std::to_string(row_number_) + " of " + partition_ : join(parts, ", ");
}

void ServerReader::refuse(std::size_t column, std::string_view why) {
  const ColumnPlan& plan = table_.columns[column];
  throw Error(ErrorKind::refused,
              "column " + plan.source_name + " (" + plan.source_type + "): the value " + shown(column) + " " +
                  std::string(why) + ", at " + row_key(),
              table_.label,
              "correct the value, leave the row out by whereClauseCriteria, or map the type to VARCHAR in "
              "columnTypeMappings");
}

void ServerReader::take_row() {
  ++row_number_;
  std::int64_t row_bytes = 0;
  for (std::size_t i = 0; i < sinks_.size(); ++i) row_bytes += static_cast<std::int64_t>(block_->cell(i).length);
  wide_ = row_bytes > kWideRow;
  if (wide_ && limits_.before_wide_row) limits_.before_wide_row();
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    const std::string_view why = sinks_[i]->append(block_->cell(i), *block_, i, limits_.max_cell_bytes);
    if (!why.empty()) refuse(i, why);
  }
  batch_bytes_ += row_bytes;
  widest_row_ = std::max(widest_row_, row_bytes);
}

std::shared_ptr<arrow::RecordBatch> ServerReader::next() {
  if (done_) return nullptr;
  const std::lock_guard lock(connection_->mutex());
  std::int64_t rows = 0;
  batch_bytes_ = 0;
  wide_ = false;
  while (rows < limits_.batch_rows && batch_bytes_ < limits_.batch_bytes && !wide_) {
    if (row_number_ % kRowsBetweenChecks == 0) connection_->check_cancelled();
    if (!block_->next()) {
      done_ = true;
      break;
    }
    take_row();
    ++rows;
  }
  if (rows == 0) return nullptr;
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  for (const auto& sink : sinks_) columns.push_back(sink->finish());
  return arrow::RecordBatch::Make(schema_, rows, std::move(columns));
}

}  // namespace pulk::odbc
