#include "source/odbc/sqlite_reader.h"

#include <optional>
#include <utility>

#include "base/error.h"
#include "source/dialect/sqlite.h"
#include "source/odbc/cell_parser.h"

namespace pulk::odbc {
namespace {

using sqlite::CellForm;

constexpr std::size_t kBlockBytes = 256 * 1024;
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
    : RowReader(std::move(connection), std::move(table), partition, limits) {
  const sqlite::RowSelect select = sqlite::select_rows(table_.columns, sqlite::from_item(table_.source),
                                                       {table_.source.filter, partition.predicate}, utf8, limits.max_rows);
  forms_ = select.forms;
  counted_ = select.counted;
  std::vector<CellWidth> widths{{20, true}};
  for (std::size_t i = 0; i < forms_.size(); ++i) {
    widths.push_back(cell_width(forms_[i]));
    sinks_.push_back(make_sink(forms_[i], table_.columns[i], limits.pool));
  }
  open(select.sql, widths, kBlockBytes);
}

std::string SqliteReader::shown(std::size_t column) const {
  const Cell cell = block_->cell(column + 1);
  if (cell.is_null) return "NULL";
  std::string_view text = cell.text;
  const bool tagged = forms_[column] == CellForm::tagged || forms_[column] == CellForm::decimal;
  if (tagged && !text.empty() && (text.front() == 't' || text.front() == 'r')) text.remove_prefix(1);
  return shown_text(text, cell.is_whole());
}

void SqliteReader::take_row() {
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
  count_row_bytes(row_bytes);
}

}  // namespace pulk::odbc
