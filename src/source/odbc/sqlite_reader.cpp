#include "source/odbc/sqlite_reader.h"

#include <arrow/array/data.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "catalog/arrow_schema.h"
#include "source/dialect/sqlite.h"
#include "source/odbc/cell_parser.h"

namespace pulk::odbc {
namespace {

using sqlite::CellForm;

constexpr std::size_t kBlockBytes = 256 * 1024;
// How often a long read looks whether the run was cancelled; the driver is interrupted besides.
constexpr std::int64_t kRowsBetweenChecks = 1024;

// For people: the beginning of the cell, without what a terminal would take amiss.
std::string shown(const Cell& cell, CellForm form) {
  constexpr std::size_t kReadable = 40;
  if (cell.is_null) return "NULL";
  std::string_view text = cell.text;
  const bool tagged = form == CellForm::tagged || form == CellForm::decimal;
  if (tagged && !text.empty() && (text.front() == 't' || text.front() == 'r')) text.remove_prefix(1);
  std::string out;
  for (const char c : text.substr(0, kReadable)) out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  if (!valid_utf8(out)) {
    std::erase_if(out, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  }
  return "'" + out + (text.size() > kReadable || !cell.is_whole() ? "...'" : "'");
}

std::string_view wanted(CellForm form) {
  switch (form) {
    case CellForm::integer:
    case CellForm::boolean: return "is neither an integer nor NULL";
    case CellForm::real: return "is neither a number nor NULL";
    case CellForm::decimal: return "is neither a decimal number nor NULL";
    case CellForm::bytes: return "is neither a blob nor NULL";
    case CellForm::text: return "is neither text nor NULL";
    case CellForm::tagged: return "is a blob, or text with a NUL character";
    case CellForm::date:
    case CellForm::time:
    case CellForm::timestamp: return "is a blob, not text";
  }
  return "has the wrong type";
}

}  // namespace

SqliteReader::SqliteReader(std::shared_ptr<Connection> connection, TablePlan table, const PartitionPlan& partition,
                           const ReadLimits& limits, bool utf8)
    : connection_(std::move(connection)),
      table_(std::move(table)),
      partition_(partition.display.empty() ? "the table" : partition.display),
      limits_(limits),
      schema_(arrow_schema(table_.columns)) {
  const sqlite::RowSelect select = sqlite::select_rows(table_.columns, sqlite::from_item(table_.source),
                                                       {table_.source.filter, partition.predicate}, utf8, limits.max_rows);
  forms_ = select.forms;
  counted_ = select.counted;
  std::vector<CellWidth> widths{{20, true}};
  for (std::size_t i = 0; i < forms_.size(); ++i) {
    widths.push_back(cell_width(forms_[i]));
    sinks_.push_back(make_sink(forms_[i], table_.columns[i], limits.pool));
  }
  statement_ = std::make_unique<Statement>(*connection_);
  statement_->execute(select.sql);
  block_ = std::make_unique<BlockReader>(*statement_, widths, kBlockBytes);
}

SqliteReader::~SqliteReader() {
  const std::lock_guard lock(connection_->mutex());
  block_.reset();
  statement_.reset();
}

std::string SqliteReader::row_key() const {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    const ColumnPlan& column = table_.columns[i];
    const auto& key = table_.primary_key;
    if (std::find(key.begin(), key.end(), column.target_name) == key.end()) continue;
    parts.push_back(column.source_name + " = " + shown(block_->cell(i + 1), forms_[i]));
  }
  return parts.empty() ? "row " + std::to_string(row_number_) + " of " + partition_ : join(parts, ", ");
}

void SqliteReader::refuse(std::size_t column, std::string_view why) {
  const ColumnPlan& plan = table_.columns[column];
  throw Error(ErrorKind::refused,
              "column " + plan.source_name + " (" + plan.source_type + "): the value " +
                  shown(block_->cell(column + 1), forms_[column]) + " " + std::string(why) + ", at " + row_key(),
              table_.label,
              "correct the value, leave the row out by whereClauseCriteria, or map the type to VARCHAR in "
              "columnTypeMappings");
}

void SqliteReader::take_row() {
  ++row_number_;
  const std::optional<std::int64_t> row_check = parse_integer(block_->cell(0).text);
  if (!row_check) throw Error(ErrorKind::internal, "the check of a row is no number", table_.label);
  if (*row_check < 0) {
    const auto column = static_cast<std::size_t>(-*row_check - 1);
    refuse(column, wanted(forms_[column]));
  }
  std::int64_t counted = 0;
  std::int64_t row_bytes = 0;
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    const Cell cell = block_->cell(i + 1);
    row_bytes += static_cast<std::int64_t>(cell.length);
    if (counted_[i]) counted += static_cast<std::int64_t>(cell.length);
    const std::string_view why = sinks_[i]->append(cell, *block_, i + 1, limits_.max_cell_bytes);
    if (!why.empty()) refuse(i, why);
  }
  if (counted != *row_check) {
    throw Error(ErrorKind::refused,
                "a text with a NUL character: ODBC hands over " + std::to_string(counted) + " of the " +
                    std::to_string(*row_check) + " bytes of the row's text, at " + row_key(),
                table_.label, "correct the value, or leave the row out by whereClauseCriteria");
  }
  batch_bytes_ += row_bytes;
  widest_row_ = std::max(widest_row_, row_bytes);
}

std::shared_ptr<arrow::RecordBatch> SqliteReader::next() {
  if (done_) return nullptr;
  const std::lock_guard lock(connection_->mutex());
  std::int64_t rows = 0;
  batch_bytes_ = 0;
  while (rows < limits_.batch_rows && batch_bytes_ < limits_.batch_bytes) {
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
