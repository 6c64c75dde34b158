// Encodes record batches into Parquet files on a stage and rolls to a new file at the target size. Belongs to one lane.
//
// Batches are held until they make a row group, which is then encoded column by column in a thread of its own, while
// the lane reads the next: memory does not depend on the number of columns, what a column needs stays in the
// processor's cache, and the source does not wait. An error of encoding is thrown by a later call.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "engine/encoding.h"
#include "stage/stage.h"

namespace arrow {
class Array;
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
  void write(std::shared_ptr<arrow::RecordBatch> batch, std::int64_t bytes);
  // A batch with a row that is too wide for dictionaries, statistics and pages that are held back: it gets a file of
  // its own, column after column straight to the stage; with one_file a row group of its own.
  void write_wide(std::shared_ptr<arrow::RecordBatch> batch);
  // Writes what is held and closes the open file, if any; the next batch starts a new one.
  void end_file();
  // Closes the last file. `at_least_one`: an empty file when no row came, so that readers find the schema.
  std::vector<StagedFile> finish(bool at_least_one);

 private:
  struct Open;
  using Columns = std::vector<std::vector<std::shared_ptr<arrow::Array>>>;  // of each column, its arrays

  void hand_over();
  void wait();
  // In the encoding thread, or after wait():
  void encode(Columns columns);
  void create();
  void open(bool wide, const std::vector<bool>& dictionaries);
  void close();

  Stage& stage_;
  std::string prefix_;
  std::shared_ptr<arrow::Schema> schema_;
  EncodeOptions options_;
  arrow::MemoryPool* pool_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> held_;
  std::int64_t held_bytes_ = 0;
  std::unique_ptr<Open> open_;
  std::vector<StagedFile> files_;
  std::future<void> encoding_;  // last: it uses the others
};

}  // namespace pulk
