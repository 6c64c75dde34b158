#include "engine/extract.h"

#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>
#include <fmt/format.h>

#include <chrono>

#include "base/cancel.h"
#include "base/error.h"
#include "base/steps.h"
#include "catalog/arrow_schema.h"
#include "engine/parquet_roller.h"
#include "engine/value_range.h"
#include "engine/wide_gate.h"

namespace pulk {

namespace {

// Takes back what an attempt counted and staged, unless it succeeds.
class Undo {
 public:
  Undo(Stage& stage, std::string prefix, LaneCounters& counters)
      : stage_(stage), prefix_(std::move(prefix)), counters_(counters) {}
  ~Undo() {
    if (done_) return;
    counters_.rows -= rows_;
    counters_.bytes -= bytes_;
    try {
      std::vector<std::string> names = stage_.list();
      std::erase_if(names, [&](const std::string& name) { return !name.starts_with(prefix_); });
      stage_.remove_all(names);
    } catch (const std::exception&) {
      // The error that brought us here is the one to report; files left behind are swept at the next start.
    }
  }
  void count(std::int64_t rows, std::int64_t bytes) {
    rows_ += rows;
    bytes_ += bytes;
    counters_.rows += rows;
    counters_.bytes += bytes;
  }
  void keep() { done_ = true; }

 private:
  Stage& stage_;
  std::string prefix_;
  LaneCounters& counters_;
  std::int64_t rows_ = 0, bytes_ = 0;
  bool done_ = false;
};

}  // namespace

Extracted extract(SourceLane& lane, const TablePlan& table, const PartitionPlan& partition, Stage& stage,
                  const std::string& file_prefix, const EncodeOptions& encode, ReadLimits limits, WideGate& gate,
                  CancelToken& cancel, LaneCounters& counters) {
  const auto start = std::chrono::steady_clock::now();
  Extracted result;
  Undo undo(stage, file_prefix + "-", counters);
  const CancelToken::Registration on_cancel(cancel, [&lane] { lane.cancel(); });
  cancel.check();

  ParquetRoller roller(stage, file_prefix, arrow_schema(table.columns), encode, limits.pool);
  WideGate::Pass pass;
  limits.before_wide_row = [&] {
    // What is encoded and not yet written makes room for the row.
    roller.end_file();
    if (!pass.owns_lock()) pass = gate.enter(cancel);
  };
  const std::unique_ptr<BatchReader> reader = lane.read(table, partition, limits);
  bool first = true;
  while (auto batch = reader->next()) {
    cancel.check();
    check_ranges(*batch, table);
    const std::int64_t bytes = arrow::util::TotalBufferSize(*batch);
    result.rows_read += batch->num_rows();
    undo.count(batch->num_rows(), bytes);
    if (pass.owns_lock()) {
      roller.write_wide(std::move(batch));
      pass.unlock();
    } else {
      roller.write(std::move(batch), bytes);
    }
    if (first) step("partition.first_batch");
    first = false;
  }
  // One file even for no rows in the first partition: readers of a folder find the schema of an empty table there.
  result.files = roller.finish(partition.ordinal == 1);
  for (const StagedFile& file : result.files) {
    result.rows_encoded += file.rows;
    result.bytes += file.bytes;
  }
  result.widest_row = reader->widest_row();
  if (result.rows_encoded != result.rows_read)
    throw Error(ErrorKind::integrity, fmt::format("{} rows were read, {} are in the files", result.rows_read,
                                                  result.rows_encoded),
                fmt::format("{}: partition {}", table.label, partition.ordinal));
  undo.keep();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace pulk
