#include "source/odbc/block_reader.h"

#include <cstring>

#include "base/error.h"

namespace pulk::odbc {
namespace {

// What a late column's buffer begins with, and what it is given back to after a longer cell.
constexpr std::size_t kLateBytes = 16 << 10;
constexpr std::size_t kKeptLateBytes = 1 << 20;

// More rows in one call save nothing measurable, and their buffers fall out of the cache.
constexpr std::size_t kMostRows = 1000;

SQLPOINTER number(SQLULEN value) { return reinterpret_cast<SQLPOINTER>(value); }  // NOLINT

}  // namespace

BlockReader::BlockReader(Statement& statement, const std::vector<CellWidth>& widths, std::size_t block_bytes,
                         FetchCursor* cursor)
    : statement_(statement), cursor_(cursor), columns_(widths.size()) {
  std::size_t row_bytes = 0;
  bool bounded = true;
  const bool unbound = statement.connection().quirks().long_cells_unbound;
  for (const CellWidth& width : widths) {
    row_bytes += width.bytes + 1 + sizeof(SQLLEN);
    bounded = bounded && width.bounded;
  }
  const bool single = !bounded && statement.connection().quirks().long_cells_need_single_rows;
  block_ = single ? 1 : std::clamp<std::size_t>(block_bytes / row_bytes, 1, kMostRows);

  const SQLHSTMT handle = statement_.handle();
  const auto set = [&](SQLINTEGER attribute, SQLPOINTER value) {
    if (!SQL_SUCCEEDED(SQLSetStmtAttr(handle, attribute, value, 0))) statement_.fail("cannot set up block fetch");
  };
  set(SQL_ATTR_ROW_BIND_TYPE, number(SQL_BIND_BY_COLUMN));
  set(SQL_ATTR_ROW_ARRAY_SIZE, number(block_));
  set(SQL_ATTR_ROWS_FETCHED_PTR, &fetched_);
  statuses_.assign(block_, SQL_ROW_SUCCESS);
  set(SQL_ATTR_ROW_STATUS_PTR, statuses_.data());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    Column& column = columns_[i];
    column.c_type = widths[i].c_type;
    column.late = unbound && !widths[i].bounded;
    if (column.late) {
      column.bytes.resize(kLateBytes);
      column.lengths.resize(1);
      continue;
    }
    column.capacity = widths[i].bytes;
    column.fixed = column.c_type != SQL_C_BINARY && terminator(column.c_type) == 0;
    column.stride = column.capacity + terminator(column.c_type);
    column.bytes.resize(column.stride * block_);
    column.lengths.resize(block_);
    const SQLRETURN result = SQLBindCol(handle, static_cast<SQLUSMALLINT>(i + 1), column.c_type, column.bytes.data(),
                                        static_cast<SQLLEN>(column.stride), column.lengths.data());
    if (!SQL_SUCCEEDED(result)) statement_.fail("cannot bind a column");
  }
}

bool BlockReader::next() {
  if (++row_ < fetched_) return true;
  fetched_ = 0;
  row_ = 0;
  while (!statement_.fetch()) {
    const std::string more = cursor_ == nullptr ? "" : cursor_->next();
    if (more.empty()) return false;
    statement_.execute(more);
  }
  check_rows();
  return fetched_ > 0;
}

// A block with a bad row is a success to SQLFetch. Where nothing is longer than its buffer, a warning for a row is a value
// that the driver has cut.
void BlockReader::check_rows() {
  const bool strict = statement_.connection().quirks().long_cells_unbound;
  for (std::size_t row = 0; row < static_cast<std::size_t>(fetched_); ++row) {
    const SQLUSMALLINT status = statuses_[row];
    if (status == SQL_ROW_ERROR || (strict && status == SQL_ROW_SUCCESS_WITH_INFO))
      statement_.fail("a value does not fit the type that its column was described with");
  }
}

BlockReader::Rows BlockReader::next_rows(std::size_t most) {
  if (!next()) return {};
  const Rows rows{row_, std::min(most, static_cast<std::size_t>(fetched_) - row_)};
  row_ += rows.count - 1;
  return rows;
}

BlockReader::Behind BlockReader::count_behind() {
  const SQLHSTMT handle = statement_.handle();
  const auto lost = [&]() -> Error {
    return {ErrorKind::retryable, "the rows ended without their count: the connection is gone",
            statement_.connection().subject()};
  };
  SQLFreeStmt(handle, SQL_UNBIND);
  SQLSetStmtAttr(handle, SQL_ATTR_ROW_ARRAY_SIZE, number(1), 0);
  SQLSetStmtAttr(handle, SQL_ATTR_ROWS_FETCHED_PTR, nullptr, 0);
  SQLSetStmtAttr(handle, SQL_ATTR_ROW_STATUS_PTR, nullptr, 0);
  if (!statement_.more_results() || !statement_.fetch()) throw lost();
  const auto number_in = [&](SQLUSMALLINT column) {
    SQLBIGINT value = 0;
    SQLLEN length = 0;
    if (!SQL_SUCCEEDED(SQLGetData(handle, column, SQL_C_SBIGINT, &value, sizeof value, &length)))
      statement_.fail("the count of the rows cannot be read");
    if (length == SQL_NULL_DATA) throw lost();
    return static_cast<std::int64_t>(value);
  };
  const std::int64_t rows = number_in(1);
  const Behind behind{rows, number_in(2)};
  // Or the connection would be busy until the reader goes.
  SQLFreeStmt(handle, SQL_CLOSE);
  return behind;
}

void BlockReader::read_late(std::size_t index, std::size_t most) {
  Column& column = columns_[index];
  std::size_t filled = 0, length = 0, announced = 0;
  for (;;) {
    const std::size_t room = column.bytes.size() - filled - terminator(column.c_type);
    SQLLEN rest = 0;
    const SQLRETURN result =
        SQLGetData(statement_.handle(), static_cast<SQLUSMALLINT>(index + 1), column.c_type, column.bytes.data() + filled,
                   static_cast<SQLLEN>(column.bytes.size() - filled), &rest);
    if (result == SQL_NO_DATA) break;
    if (!SQL_SUCCEEDED(result)) statement_.fail("cannot read a long cell");
    if (rest == SQL_NULL_DATA) {
      column.lengths[0] = SQL_NULL_DATA;
      return;
    }
    const bool known = rest != SQL_NO_TOTAL;
    if (known && static_cast<std::size_t>(rest) <= room) {
      filled += static_cast<std::size_t>(rest);
      // A piece that the driver did not fill would leave a gap.
      if (announced != 0 && filled != announced) no_length();
      break;
    }
    length = known ? filled + static_cast<std::size_t>(rest) : 0;
    if (known && announced != 0 && length != announced) no_length();
    announced = length;
    filled += room;
    if (std::max(filled, length) > most) {
      column.capacity = filled;
      column.lengths[0] = static_cast<SQLLEN>(std::max(length, filled + 1));
      return;
    }
    column.bytes.resize(known ? length + terminator(column.c_type) : 2 * column.bytes.size());
  }
  column.capacity = filled;
  column.lengths[0] = static_cast<SQLLEN>(filled);
}

void BlockReader::release_late(std::size_t index) {
  Column& column = columns_[index];
  if (column.bytes.size() <= kKeptLateBytes) return;
  column.capacity = 0;
  column.bytes.resize(kLateBytes);
  column.bytes.shrink_to_fit();
}

void BlockReader::no_length() { throw Error(ErrorKind::internal, "the driver does not tell the length of a cell"); }

void BlockReader::read_long(std::size_t column, std::size_t length, char* out) { get_data(column, out, length, length); }

void BlockReader::get_data(std::size_t column, char* out, std::size_t bytes, std::size_t rest) {
  if (block_ != 1) {
    if (statement_.connection().quirks().long_cells_need_single_rows)
      throw Error(ErrorKind::internal, "a long cell in a block of several rows");
    const SQLRETURN moved = SQLSetPos(statement_.handle(), static_cast<SQLSETPOSIROW>(row_ + 1), SQL_POSITION,
                                      SQL_LOCK_NO_CHANGE);
    if (!SQL_SUCCEEDED(moved)) statement_.fail("cannot go back to a row with a long cell");
  }
  const SQLSMALLINT c_type = columns_[column].c_type;
  SQLLEN length = 0;
  const SQLRETURN result = SQLGetData(statement_.handle(), static_cast<SQLUSMALLINT>(column + 1), c_type, out,
                                      static_cast<SQLLEN>(bytes + terminator(c_type)), &length);
  if (!SQL_SUCCEEDED(result)) statement_.fail("cannot read a long cell");
  // Anything else would be another cell.
  if (length != SQL_NO_TOTAL && (length < 0 || static_cast<std::size_t>(length) != rest)) {
    throw Error(ErrorKind::internal, "the driver gives another length for the rest of a long cell than it has announced");
  }
}

}  // namespace pulk::odbc
