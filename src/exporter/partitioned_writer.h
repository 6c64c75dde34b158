// One folder NAME=VALUE for each value of the columns of `partition_by`, as Hive names them; made by make_file_writer()
// only. The columns themselves are not in the files. An empty text is refused: Hive has one folder for it and for NULL.
#pragma once

#include <memory>

#include "exporter/file_writer.h"

namespace pulk {

std::unique_ptr<FileWriter> make_partitioned_writer(const ExportEntry& entry, std::shared_ptr<arrow::Schema> schema,
                                                    FileWriter::Create create, arrow::MemoryPool* pool);

}  // namespace pulk
