// Rows of a text file as cells, with the lines that they begin at. A reader belongs to one thread.
//
// The file is UTF-8, with or without a byte order mark, as it is or compressed (gzip, zstd: told by its first bytes).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pulk {

struct TextCell {
  std::string_view text;
  bool null = true;
  bool json_string = false;  // a string of a JSON file, without its quotes; else what JSON has there as it is written
};

struct TextRow {
  std::vector<TextCell> cells;  // at most as many as there are names; valid until the next row is asked for
  std::int64_t line = 0;        // from 1
  std::string problem;          // why it is no row of the file's kind; "" when it is one
};

class TextRows {
 public:
  virtual ~TextRows() = default;
  // What the cells are called, in their order. Grows with the rows where each row says its own names.
  virtual const std::vector<std::string>& names() const = 0;
  // False behind the last row. After a problem the next row can be asked for. Throws Error(usage) for a file that
  // cannot be read.
  virtual bool next(TextRow& row) = 0;
};

struct CsvInput {
  char delimiter = ',';
  bool header = true;
  std::string null_text;  // what stands for NULL, when it is not in quotes
};

// RFC 4180; a quote within a field that does not begin with one is a quote, a line feed ends a line too, and blank
// lines mean nothing where a row has several fields. Without a header `columns` are the names.
std::unique_ptr<TextRows> open_csv(const std::string& path, const CsvInput& options,
                                   const std::vector<std::string>& columns);

// An object on each line; blank lines mean nothing. Numbers and what is within objects and arrays keep their digits.
std::unique_ptr<TextRows> open_json_lines(const std::string& path);

}  // namespace pulk
