// Record batches as the bytes of a CSV or JSON file. An encoder belongs to one thread and one file, and holds nothing
// of a batch after encode().
//
// CSV: RFC 4180. A value is quoted when it has the delimiter, a quote, a line end, or blanks at its ends, when it is an
// empty text (a NULL is the null text without quotes) and when it reads like the null text. Quotes are doubled. In a file of one column an empty null text is written as
// two quotes too, because readers leave empty lines out.
// JSON: an object per line with the columns' names as keys, NULL as null; numbers with all their digits; what is not
// finite as "NaN", "Infinity", "-Infinity"; text as UTF-8, control characters escaped; VARIANT, OBJECT and ARRAY as
// what they are. As an array: the objects in brackets.
#pragma once

#include <memory>
#include <string>

#include "config/export_file.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace pulk {

class TextEncoder {
 public:
  virtual ~TextEncoder() = default;
  virtual void begin(std::string& out) = 0;                                    // a header, a bracket
  virtual void encode(const arrow::RecordBatch& batch, std::string& out) = 0;  // appends
  virtual void end(std::string& out) = 0;
};

// `type` is csv or json. Throws Error(refused) for columns that have no form in text, all at once.
std::unique_ptr<TextEncoder> make_text_encoder(const ExportEntry& entry, std::shared_ptr<arrow::Schema> schema);

}  // namespace pulk
