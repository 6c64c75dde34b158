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

  void write(const std::shared_ptr<arrow::RecordBatch>& batch);
  // Closes the last file. `at_least_one`: an empty file when no row came, so that readers find the schema.
  std::vector<StagedFile> finish(bool at_least_one);

 private:
  struct Open;
  void open();
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
