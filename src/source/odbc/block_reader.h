// Fetches the rows of a statement: columns are bound to buffers, a block of rows comes with one call, and a cell that is
// longer than its buffer is read again in full by SQLGetData, so that none is ever cut silently.
// Belongs to one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "source/odbc/fetch_cursor.h"
#include "source/odbc/handle.h"

namespace pulk::odbc {

// Bytes that the bound buffer of a column has for one cell, without the terminator. `bounded`: a longer cell cannot be
// a value of this column at all, so that nobody will want the rest of it. `c_type`: SQL_C_CHAR, SQL_C_WCHAR and
// SQL_C_BINARY are cells of varying length, others are C values of `bytes` bytes.
struct CellWidth {
  std::size_t bytes = 0;
  bool bounded = true;
  SQLSMALLINT c_type = SQL_C_CHAR;
};

struct Cell {
  std::string_view text;   // what the buffer holds: text, bytes, a C value; the beginning of a long cell
  std::size_t length = 0;  // of the whole cell
  bool is_null = false;
  bool is_whole() const { return text.size() == length; }
};

class BlockReader {
 public:
  // Binds the columns of `statement`, which has been executed. block_bytes: what the bound buffers may take together.
  // cursor: gives the statements that the rest of the rows comes by; may be null, outlives the reader.
  BlockReader(Statement& statement, const std::vector<CellWidth>& widths, std::size_t block_bytes, FetchCursor* cursor);

  // Goes to the next row; false after the last.
  bool next();
  // Goes to the next rows of the block, at most so many, and stands at the last of them; their number is 0 after the last row
  // of all.
  struct Rows {
    std::size_t first = 0, count = 0;
  };
  Rows next_rows(std::size_t most);
  void stand_at(std::size_t row) { row_ = row; }
  // Of a row that next_rows() gave.
  Cell cell_at(std::size_t column, std::size_t row) const;
  // The two numbers that the statement behind this one gives, after the last row: of rows, and of open transactions. Throws
  // Error(retryable) when they do not come.
  struct Behind {
    std::int64_t rows = 0, transactions = 0;
  };
  Behind count_behind();
  // Columns that are not bound (Quirks::long_cells_unbound) are read by this, one after the other, once in a row, before
  // cell() gives them. A cell of more than `most` bytes is not read to its end.
  bool is_late(std::size_t column) const { return columns_[column].late; }
  void read_late(std::size_t column, std::size_t most);
  // Gives back the memory of a long cell, which cell() does not give any more.
  void release_late(std::size_t column);
  Cell cell(std::size_t column) const;
  // The whole of a long cell, of `length` bytes, into `out`, which has room for the terminator.
  void read_long(std::size_t column, std::size_t length, char* out);
  // A long cell piece by piece; the piece is valid inside the call only.
  template <typename Take>
  void read_pieces(std::size_t column, std::size_t length, Take take);

  std::size_t rows_per_block() const { return block_; }

 private:
  struct Column {
    std::size_t stride = 0;
    std::size_t capacity = 0;  // of a cell, without the terminator
    SQLSMALLINT c_type = SQL_C_CHAR;
    bool late = false;   // not bound
    bool fixed = false;  // a C value: drivers differ in what they report for its length
    std::vector<char> bytes;
    std::vector<SQLLEN> lengths;
  };

  static std::size_t terminator(SQLSMALLINT c_type) {
    return c_type == SQL_C_CHAR ? 1 : c_type == SQL_C_WCHAR ? sizeof(SQLWCHAR) : 0;
  }
  [[noreturn]] static void no_length();

  void check_rows();
  // rest: what is left of the cell from here on.
  void get_data(std::size_t column, char* out, std::size_t bytes, std::size_t rest);

  Statement& statement_;
  FetchCursor* const cursor_;
  std::vector<Column> columns_;
  std::size_t block_ = 1;
  SQLULEN fetched_ = 0;
  std::vector<SQLUSMALLINT> statuses_;
  std::size_t row_ = 0;
};

// In the header: it is called for every cell.
inline Cell BlockReader::cell(std::size_t index) const { return cell_at(index, row_); }

inline Cell BlockReader::cell_at(std::size_t index, std::size_t row) const {
  const Column& column = columns_[index];
  const SQLLEN length = column.lengths[row];
  if (length == SQL_NULL_DATA) return {{}, 0, true};
  if (length < 0) no_length();
  const char* at = column.bytes.data() + row * column.stride;
  if (column.fixed) return {{at, column.capacity}, column.capacity, false};
  const auto bytes = static_cast<std::size_t>(length);
  return {{at, std::min(bytes, column.capacity)}, bytes, false};
}

template <typename Take>
void BlockReader::read_pieces(std::size_t column, std::size_t length, Take take) {
  // The driver measures the whole cell at every call: few large pieces.
  constexpr std::size_t kPiece = 8 << 20;
  std::vector<char> piece(std::min(length, kPiece) + 1);
  for (std::size_t done = 0; done < length;) {
    const std::size_t bytes = std::min(length - done, kPiece);
    get_data(column, piece.data(), bytes, length - done);
    take(std::string_view(piece.data(), bytes));
    done += bytes;
  }
}

}  // namespace pulk::odbc
