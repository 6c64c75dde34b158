// Encodes record batches into Parquet files on a stage and rolls to a new file at the target size. Belongs to one lane.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/encoding.h"
#include "stage/stage.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
class Schema;
}  // namespace arrow

namespace pulk {

class ParquetRoller {
 public:
  // Files are named prefix + "-001.parquet" and so on.
  ParquetRoller(Stage& stage, std::string prefix, std::shared_ptr<arrow::Schema> schema, const EncodeOptions& options,
                arrow::MemoryPool* pool);
  ~ParquetRoller();  // an unfinished file is discarded

  // `bytes`: what the batch takes in memory.
  void write(const std::shared_ptr<arrow::RecordBatch>& batch, std::int64_t bytes);
  // A batch with a row that is too wide for dictionaries, statistics and pages that are held back: it gets a file of
  // its own, column after column straight to the stage.
  void write_wide(std::shared_ptr<arrow::RecordBatch> batch);
  // Closes the open file, if any; the next batch starts a new one.
  void end_file();
  // Closes the last file. `at_least_one`: an empty file when no row came, so that readers find the schema.
  std::vector<StagedFile> finish(bool at_least_one);

 private:
  struct Open;
  void open(bool wide);
  void close();

  Stage& stage_;
  std::string prefix_;
  std::shared_ptr<arrow::Schema> schema_;
  EncodeOptions options_;
  arrow::MemoryPool* pool_;
  std::unique_ptr<Open> open_;
  std::vector<StagedFile> files_;
};

}  // namespace pulk
