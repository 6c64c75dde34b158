#include "source/odbc/server_reader.h"

#include <fmt/format.h>

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
  open(select(from, limits.max_rows >= 0 ? dialect.limit(limits.max_rows) : ""), make_sinks(), kBlockBytes);
}

ServerReader::ServerReader(std::shared_ptr<Connection> connection, std::vector<NativeColumn> columns,
                           const std::string& from, TablePlan table, const PartitionPlan& partition,
                           const ReadLimits& limits)
    : RowReader(std::move(connection), std::move(table), partition, limits), columns_(std::move(columns)) {
  const std::string limit = limits.max_rows >= 0 ? " LIMIT " + std::to_string(limits.max_rows) : "";
  open_cursor(select(from, limit), make_sinks(), kBlockBytes);
}

std::string ServerReader::select(const std::string& from, const std::string& limit) const {
  std::vector<std::string> expressions;
  for (const NativeColumn& column : columns_) expressions.push_back(column.expression);
  return "SELECT " + join(expressions, ", ") + " FROM " + from + limit;
}

std::vector<CellWidth> ServerReader::make_sinks() {
  std::vector<CellWidth> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(native_width(columns_[i]));
    sinks_.push_back(make_native_sink(columns_[i].form, table_.columns[i], limits_.pool));
  }
  return widths;
}

std::string ServerReader::shown(std::size_t column) const {
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
  for (std::size_t i = 0; i < sinks_.size(); ++i) row_bytes += static_cast<std::int64_t>(block_->cell(i).length);
  wide_ = row_bytes > kWideRow;
  if (wide_ && limits_.before_wide_row) limits_.before_wide_row();
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    const std::string_view why = sinks_[i]->append(block_->cell(i), *block_, i, limits_.max_cell_bytes);
    if (!why.empty()) refuse(i, why);
  }
  count_row_bytes(row_bytes);
}

}  // namespace pulk::odbc
