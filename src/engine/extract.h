// A lane's work on one partition: read, encode, stage; one thread, no hop per batch.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/encoding.h"
#include "source/source.h"
#include "stage/stage.h"

namespace pulk {

class CancelToken;
class WideGate;

// What a live display reads while lanes add to it.
struct LaneCounters {
  std::atomic<std::int64_t> rows{0};
  std::atomic<std::int64_t> bytes{0};  // of Arrow data
};

struct Extracted {
  std::int64_t rows_read = 0;     // as the source's reader counted
  std::int64_t rows_encoded = 0;  // as the Parquet footers say (I1)
  std::int64_t bytes = 0;         // staged
  std::int64_t widest_row = 0;
  double seconds = 0;
  std::vector<StagedFile> files;
};

// Throws Error(integrity) when rows read and rows encoded differ. On any error the files of this attempt are removed
// and what was counted is taken back.
Extracted extract(SourceLane& lane, const TablePlan& table, const PartitionPlan& partition, Stage& stage,
                  const std::string& file_prefix, const EncodeOptions& encode, ReadLimits limits, WideGate& gate,
                  CancelToken& cancel, LaneCounters& counters);

}  // namespace pulk
