// Record batches into files of one export, in its format. Belongs to one thread.
//
// A file is begun with the first batch, or by finish() when there is none: an export without rows is a file with a
// header or a schema. With `max_file_bytes` a new file is begun when one has reached that size. With `partition_by`
// rows should come in the order of these columns; each of their values is a folder, and without rows there is no file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/export_file.h"
#include "stage/stage.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
class Schema;
}  // namespace arrow

namespace pulk {

class FileWriter {
 public:
  // Gives the n-th file, from 1, in a folder of the export: "" or "COUNTRY=de/DAY=2026-11-21/".
  using Create = std::function<std::unique_ptr<OutputFile>(const std::string& folder, int number)>;

  virtual ~FileWriter() = default;  // what is not finished is discarded
  virtual void write(std::shared_ptr<arrow::RecordBatch> batch) = 0;
  // The files in order, with rows, bytes and digests.
  virtual std::vector<StagedFile> finish() = 0;
};

// Throws Error(refused) for columns that the format cannot hold.
std::unique_ptr<FileWriter> make_file_writer(const ExportEntry& entry, std::shared_ptr<arrow::Schema> schema,
                                             FileWriter::Create create, arrow::MemoryPool* pool);

// "application/octet-stream", "text/csv", "application/json"; with the compression of the whole file, its own.
std::string content_type(const ExportEntry& entry);
// ".parquet", ".csv", ".json.gz"
std::string file_ending(const ExportEntry& entry);

}  // namespace pulk
