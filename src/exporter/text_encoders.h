// The two kinds of text encoder; made by make_text_encoder() only.
#pragma once

#include <memory>

#include "exporter/text_encoder.h"

namespace pulk {

std::unique_ptr<TextEncoder> make_csv_encoder(const CsvOptions& options, std::shared_ptr<arrow::Schema> schema);
std::unique_ptr<TextEncoder> make_json_encoder(bool array, std::shared_ptr<arrow::Schema> schema);

}  // namespace pulk
