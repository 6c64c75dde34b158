#include "source/odbc/server_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/odbc/cell_parser.h"
#include "source/odbc/moment_cells.h"
#include "source/odbc/native_sink.h"
#include "source/postgres/numeric.h"

namespace pulk::odbc {
namespace {

constexpr std::size_t kBlockBytes = 512 * 1024;

}  // namespace

ServerReader::ServerReader(std::shared_ptr<Connection> connection, const ServerDialect& dialect, TablePlan table,
                           const PartitionPlan& partition, const ReadLimits& limits)
    : RowReader(std::move(connection), std::move(table), partition, limits) {
  for (const ColumnPlan& column : table_.columns) columns_.push_back(dialect.read_as(column));
  const std::string from = dialect.from_item(table_.source) + where_clause({table_.source.filter, partition.predicate});
  order_columns();
  open(select(from, limits.max_rows >= 0 ? dialect.limit(limits.max_rows) : "") + dialect.count_behind(), make_sinks(),
       kBlockBytes, !dialect.count_behind().empty());
}

ServerReader::ServerReader(std::shared_ptr<Connection> connection, std::vector<NativeColumn> columns,
                           const std::string& from, TablePlan table, const PartitionPlan& partition,
                           const ReadLimits& limits)
    : RowReader(std::move(connection), std::move(table), partition, limits), columns_(std::move(columns)) {
  const std::string limit = limits.max_rows >= 0 ? " LIMIT " + std::to_string(limits.max_rows) : "";
  order_columns();
  const std::vector<CellWidth> widths = make_sinks();
  by_blocks_ = false;  // a cursor's next FETCH is sized by its rows
  open_cursor(select(from, limit), widths, kBlockBytes);
}

// Those that the driver wants read last come last.
void ServerReader::order_columns() {
  const bool unbound = connection_->quirks().long_cells_unbound;
  const auto is_late = [&](const NativeColumn& column) { return unbound && !native_width(column).bounded; };
  places_.resize(columns_.size());
  std::size_t place = 0;
  for (const bool late : {false, true})
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (is_late(columns_[i]) == late) places_[i] = place++;
}

std::string ServerReader::select(const std::string& from, const std::string& limit) const {
  std::vector<std::string> expressions(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) expressions[places_[i]] = columns_[i].expression;
  return "SELECT " + join(expressions, ", ") + " FROM " + from + limit;
}

std::vector<CellWidth> ServerReader::make_sinks() {
  std::vector<CellWidth> widths(columns_.size());
  by_blocks_ = true;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths[places_[i]] = native_width(columns_[i]);
    by_blocks_ = by_blocks_ && widths[places_[i]].bounded;
    sinks_.push_back(make_native_sink(columns_[i].form, table_.columns[i], limits_.pool));
  }
  return widths;
}

std::string ServerReader::shown(std::size_t column) const {
  const Cell cell = block_->cell(places_[column]);
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
    case NativeForm::single: {
      float value = 0;
      std::memcpy(&value, cell.text.data(), sizeof value);
      return fmt::format("{}", value);
    }
    case NativeForm::utf16:
      return shown_text(to_utf8(cell.text).value_or("?"), cell.is_whole());
    case NativeForm::date_struct: {
      SQL_DATE_STRUCT value{};
      std::memcpy(&value, cell.text.data(), sizeof value);
      return fmt::format("{:04}-{:02}-{:02}", value.year, value.month, value.day);
    }
    case NativeForm::timestamp_struct: {
      SQL_TIMESTAMP_STRUCT value{};
      std::memcpy(&value, cell.text.data(), sizeof value);
      return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:09}", value.year, value.month, value.day, value.hour,
                         value.minute, value.second, value.fraction);
    }
    case NativeForm::time2_struct: {
      Time2Cell value;
      std::memcpy(&value, cell.text.data(), sizeof value);
      return fmt::format("{:02}:{:02}:{:02}.{:09}", value.hour, value.minute, value.second, value.fraction);
    }
    case NativeForm::offset_struct: {
      OffsetCell value;
      std::memcpy(&value, cell.text.data(), sizeof value);
      return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:09} {}{:02}:{:02}", value.year, value.month, value.day,
                         value.hour, value.minute, value.second, value.fraction,
                         value.offset_hours < 0 || value.offset_minutes < 0 ? "-" : "+", std::abs(value.offset_hours),
                         std::abs(value.offset_minutes));
    }
    case NativeForm::numeric_struct: {
      SQL_NUMERIC_STRUCT value{};
      std::memcpy(&value, cell.text.data(), sizeof value);
      Int128 number = 0;
      std::memcpy(&number, value.val, sizeof number);
      return postgres::decimal_text(value.sign == 0 ? -number : number, value.scale);
    }
    case NativeForm::guid_struct: {
      SQLGUID value{};
      std::memcpy(&value, cell.text.data(), sizeof value);
      std::string text = fmt::format("{:08X}-{:04X}-{:04X}-{:02X}{:02X}-", value.Data1, value.Data2, value.Data3,
                                     value.Data4[0], value.Data4[1]);
      for (std::size_t i = 2; i < sizeof value.Data4; ++i) text += fmt::format("{:02X}", value.Data4[i]);
      return text;
    }
    default:
      return shown_text(cell.text, cell.is_whole());
  }
}

void ServerReader::take_row() {
  std::int64_t row_bytes = 0;
  wide_ = false;
  const auto count = [&](std::size_t i) {
    row_bytes += static_cast<std::int64_t>(block_->cell(places_[i]).length);
    if (wide_ || row_bytes <= kWideRow) return;
    wide_ = true;
    if (limits_.before_wide_row) limits_.before_wide_row();
  };
  for (std::size_t i = 0; i < sinks_.size(); ++i)
    if (!block_->is_late(places_[i])) count(i);
  // UTF-16 has up to twice the bytes of the text that it becomes.
  const auto most = 2 * static_cast<std::size_t>(limits_.max_cell_bytes);
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    const bool late = block_->is_late(places_[i]);
    if (late) {
      block_->read_late(places_[i], most);
      count(i);
    }
    const std::string_view why = sinks_[i]->append(block_->cell(places_[i]), *block_, places_[i], limits_.max_cell_bytes);
    if (!why.empty()) refuse(i, why);
    // One long cell at a time beside what it has become.
    if (late) block_->release_late(places_[i]);
  }
  count_row_bytes(row_bytes);
}

void ServerReader::take_rows(BlockReader::Rows rows) {
  std::vector<std::int64_t>& bytes = row_bytes_;
  bytes.assign(rows.count, 0);
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    for (std::size_t at = 0; at < rows.count; ++at)
      bytes[at] += static_cast<std::int64_t>(block_->cell_at(places_[i], rows.first + at).length);
    std::size_t bad = 0;
    const std::string_view why =
        sinks_[i]->append_rows(*block_, places_[i], rows.first, rows.count, limits_.max_cell_bytes, bad);
    if (why.empty()) continue;
    block_->stand_at(bad);
    refuse(i, why, static_cast<std::int64_t>(rows.first + rows.count - 1 - bad));
  }
  std::int64_t all = 0, widest = 0;
  for (const std::int64_t one : bytes) {
    all += one;
    widest = std::max(widest, one);
  }
  count_bytes(all, widest);
}

}  // namespace pulk::odbc
