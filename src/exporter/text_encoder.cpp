#include "exporter/text_encoder.h"

#include <arrow/api.h>

#include <utility>

#include "base/error.h"
#include "exporter/cell_text.h"
#include "exporter/text_encoders.h"

namespace pulk {

std::unique_ptr<TextEncoder> make_text_encoder(const ExportEntry& entry, std::shared_ptr<arrow::Schema> schema) {
  Problems problems;
  for (const auto& field : schema->fields()) {
    try {
      cell_text(*field, arrow::MakeEmptyArray(field->type()).ValueOrDie(), ' ');
    } catch (const Error& error) {
      problems.add(error.subject(), error.message(), error.hint());
    }
  }
  problems.throw_if_any(ErrorKind::refused);
  return entry.type == FileType::csv ? make_csv_encoder(entry.csv, std::move(schema))
                                     : make_json_encoder(entry.json_array, std::move(schema));
}

}  // namespace pulk
