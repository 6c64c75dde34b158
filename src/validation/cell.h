// One value, whatever its Arrow type, as what it means: the same on both sides when it is the same value. An INTEGER
// that became a BIGINT, 1.50 in a DECIMAL(20,5), an instant in milliseconds: equal to where they came from.
// Pure values and readers of one array; a reader belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/table_plan.h"
#include "warehouse/stored_type.h"

namespace arrow {
class Array;
}

namespace pulk {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

// A column as both sides are compared in it.
struct ComparedColumn {
  std::string name;             // in the target
  Meaning meaning = Meaning::text;
  int scale = 0;                // number: digits after the point, enough for both sides
  bool single = false;          // real: of 32 bits on both sides
};

// By the target's type, which decides what arrives.
ComparedColumn compared_column(const ColumnPlan& column, const StoredType& stored);

struct Cell {
  bool null = false;
  Int128 number = 0;            // boolean, number (times 10^scale), date (days), time and moment (nanoseconds), uuid
  double real = 0;
  std::string_view bytes;       // text, bytes; the digits of a number that 128 bits do not hold
};

// A cell that outlives its array; long text is cut.
struct KeptCell {
  bool null = false;
  Int128 number = 0;
  double real = 0;
  std::string bytes;
  bool cut = false;
};
KeptCell keep(const Cell& cell, std::size_t most_bytes);
Cell view(const KeptCell& cell);

class CellReader {
 public:
  // Throws Error(refused) when an array of this type cannot have this meaning.
  CellReader(const ComparedColumn& column, std::shared_ptr<arrow::Array> array);
  Cell at(std::int64_t row);    // valid until the next call

 private:
  void read_number(std::int64_t row, Cell& cell);
  void scaled(Int128 value, int scale, Cell& cell);
  void parsed(std::string_view text, Cell& cell);
  [[noreturn]] void misfit() const;

  const ComparedColumn& column_;
  std::shared_ptr<arrow::Array> array_;
  std::string scratch_;
};

// Order within a column, for minimum, maximum and the order of keys; NaN is the largest, NULL comes last.
int compare(Meaning meaning, const Cell& a, const Cell& b);

// For people: NULL, 12.50, 'text', \xff00, 2024-02-29 12:00:00.5.
std::string render(const ComparedColumn& column, const KeptCell& cell);

}  // namespace pulk
