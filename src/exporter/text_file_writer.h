// CSV and JSON files; made by make_file_writer() only.
#pragma once

#include <memory>

#include "exporter/file_writer.h"

namespace pulk {

std::unique_ptr<FileWriter> make_text_file_writer(const ExportEntry& entry, std::shared_ptr<arrow::Schema> schema,
                                                  FileWriter::Create create);

}  // namespace pulk
