// Values as text for CSV and JSON, exact: numbers with all their digits, moments with all digits of their unit.
//
//   boolean              true, false
//   integers, decimals   digits; a decimal has as many behind the point as its scale
//   floating point       the shortest text that reads back as the same value; NaN, Infinity, -Infinity
//   date                 2026-11-21; a year that has not four digits has its sign and six, as ISO 8601 wants it
//   time                 18:00:02.424560: as many digits as the unit has
//   timestamp            2026-11-21 18:00:02.424560, or with a T; +00:00 behind it when it is an instant
//   binary               hex digits, upper case
//   text                 as it is
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace arrow {
class Array;
class Field;
}  // namespace arrow

namespace pulk {

enum class CellKind {
  number,  // true and false too
  real,    // a number, or what is not finite
  plain,   // date, time, moment, hex: nothing in it ever needs a quote or an escape
  text,    // any character
  json     // text that is JSON already
};

// The values of one array. Belongs to one thread.
class CellText {
 public:
  virtual ~CellText();

  bool null(std::int64_t row) const;
  // What the value is to be written as; kind `real` has it looked at (see finite()).
  CellKind kind() const { return kind_; }
  virtual void append(std::int64_t row, std::string& out) const = 0;
  // Kinds text and json: the array's own bytes.
  virtual std::string_view view(std::int64_t row) const;
  // Kind real.
  virtual bool finite(std::int64_t row) const;

 protected:
  CellText(CellKind kind, std::shared_ptr<arrow::Array> array);

  const CellKind kind_;
  const std::shared_ptr<arrow::Array> array_;
};

// `field` says whether text is JSON (metadata "logicalType" VARIANT, OBJECT, ARRAY). `moment_separator` stands between
// date and time of a timestamp. Throws Error(refused) for a type that has no text (named by the field).
std::unique_ptr<CellText> cell_text(const arrow::Field& field, std::shared_ptr<arrow::Array> array,
                                    char moment_separator);

}  // namespace pulk
