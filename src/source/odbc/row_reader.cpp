#include "source/odbc/row_reader.h"

#include <arrow/array/data.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "catalog/arrow_schema.h"

namespace pulk::odbc {
namespace {

// How often a long read looks whether the run was cancelled; the driver is interrupted besides.
constexpr std::int64_t kRowsBetweenChecks = 1024;

}  // namespace

std::string shown_text(std::string_view text, bool is_whole) {
  constexpr std::size_t kReadable = 40;
  std::string out;
  for (const char c : text.substr(0, kReadable)) out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  if (!valid_utf8(out)) std::erase_if(out, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return "'" + out + (text.size() > kReadable || !is_whole ? "...'" : "'");
}

RowReader::RowReader(std::shared_ptr<Connection> connection, TablePlan table, const PartitionPlan& partition,
                     const ReadLimits& limits)
    : connection_(std::move(connection)),
      table_(std::move(table)),
      limits_(limits),
      partition_(partition.display.empty() ? "the table" : partition.display),
      schema_(arrow_schema(table_.columns)) {}

void RowReader::open(const std::string& sql, const std::vector<CellWidth>& widths, std::size_t block_bytes,
                     bool counted) {
  counted_ = counted;
  statement_ = std::make_unique<Statement>(*connection_);
  statement_->execute(sql);
  block_ = std::make_unique<BlockReader>(*statement_, widths, block_bytes, cursor_.get());
}

void RowReader::open_cursor(const std::string& sql, const std::vector<CellWidth>& widths, std::size_t block_bytes) {
  cursor_ = std::make_unique<FetchCursor>(*connection_, sql);
  open(cursor_->next(), widths, block_bytes);
}

void RowReader::close() {
  const std::lock_guard lock(connection_->mutex());
  block_.reset();
  statement_.reset();
  cursor_.reset();
}

// I1: the server's own count of what it has sent.
void RowReader::check_count() {
  const BlockReader::Behind behind = block_->count_behind();
  if (behind.transactions == 0) connection_->lose_transaction();
  if (behind.rows != row_number_)
    throw Error(ErrorKind::retryable,
                "the server has sent " + std::to_string(behind.rows) + " rows, and " + std::to_string(row_number_) + " have arrived",
                table_.label);
}

std::string RowReader::row_key() const {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    const ColumnPlan& column = table_.columns[i];
    const auto& key = table_.primary_key;
    if (std::find(key.begin(), key.end(), column.target_name) != key.end())
      parts.push_back(column.source_name + " = " + shown(i));
  }
  return parts.empty() ? "row " + std::to_string(row_number_) + " of " + partition_ : join(parts, ", ");
}

void RowReader::refuse(std::size_t column, std::string_view why, std::int64_t rows_before) {
  row_number_ -= rows_before;
  const ColumnPlan& plan = table_.columns[column];
  throw Error(ErrorKind::refused,
              "column " + plan.source_name + " (" + plan.source_type + "): the value " + shown(column) + " " +
                  std::string(why) + ", at " + row_key(),
              table_.label,
              "correct the value, leave the row out by whereClauseCriteria, or map the type to VARCHAR in "
              "columnTypeMappings");
}

void RowReader::count_row_bytes(std::int64_t bytes) {
  if (cursor_ != nullptr) cursor_->count(bytes);
  count_bytes(bytes, bytes);
}

void RowReader::count_bytes(std::int64_t of_rows, std::int64_t of_the_widest) {
  batch_bytes_ += of_rows;
  widest_row_ = std::max(widest_row_, of_the_widest);
}

std::shared_ptr<arrow::RecordBatch> RowReader::next() {
  if (done_) return nullptr;
  const std::lock_guard lock(connection_->mutex());
  std::int64_t rows = 0;
  batch_bytes_ = 0;
  wide_ = false;
  while (rows < limits_.batch_rows && batch_bytes_ < limits_.batch_bytes && !wide_) {
    if (by_blocks_) {
      // A block is far smaller than a batch.
      connection_->check_cancelled();
      const std::int64_t most = limits_.max_rows >= 0 ? std::min(limits_.batch_rows - rows, limits_.max_rows - row_number_)
                                                      : limits_.batch_rows - rows;
      const BlockReader::Rows here = most > 0 ? block_->next_rows(static_cast<std::size_t>(most)) : BlockReader::Rows{};
      if (here.count == 0) {
        done_ = true;
        if (counted_ && row_number_ != limits_.max_rows) check_count();
        break;
      }
      row_number_ += static_cast<std::int64_t>(here.count);
      take_rows(here);
      rows += static_cast<std::int64_t>(here.count);
      continue;
    }
    if (row_number_ % kRowsBetweenChecks == 0) connection_->check_cancelled();
    if (row_number_ == limits_.max_rows || !block_->next()) {
      done_ = true;
      if (counted_ && row_number_ != limits_.max_rows) check_count();
      break;
    }
    ++row_number_;
    take_row();
    ++rows;
  }
  if (rows == 0) return nullptr;
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  for (const auto& sink : sinks_) columns.push_back(sink->finish());
  return arrow::RecordBatch::Make(schema_, rows, std::move(columns));
}

}  // namespace pulk::odbc
