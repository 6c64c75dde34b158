// What a run is doing, for the live display: written by lanes and loader, read by the display thread. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/extract.h"

namespace pulk {

struct Progress {
  LaneCounters lanes;
  std::atomic<std::int64_t> rows_loaded{0};
  std::atomic<std::int64_t> rows_expected{0};  // estimate over all tables; 0: unknown
  std::atomic<int> tables{0}, tables_done{0};
  std::atomic<int> partitions{0}, partitions_done{0};
  std::atomic<int> lanes_busy{0};
  std::atomic<int> retries{0};
  std::atomic<bool> comparing{false};           // rows_loaded are rows that were read back from the target
  std::atomic<std::int64_t> snapshot_since{-1};  // steady clock, seconds; -1: none is held
};

}  // namespace pulk
