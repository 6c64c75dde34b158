#include "validation/two_sides.h"

#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <thread>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/counting_pool.h"

namespace pulk {

namespace {

constexpr std::int64_t kBatchBytes = 2 << 20;

// Thrown where another reader has failed: its error is the one to report.
struct Stopped {};

}  // namespace

TwoSides::TwoSides(Ends ends, CancelToken& cancel, Progress& progress)
    : ends_(std::move(ends)), cancel_(cancel), progress_(progress),
      lanes_(std::clamp<std::size_t>(ends_.plan.partitions.size(), 1, static_cast<std::size_t>(ends_.lanes))) {}

void TwoSides::check() const {
  cancel_.check();
  if (stopped_) throw Stopped{};
}

// Keeps the first error and lets all others end soon.
void TwoSides::fail() {
  const std::lock_guard lock(mutex_);
  if (error_ == nullptr) {
    try {
      throw;
    } catch (const Stopped&) {
    } catch (...) {
      error_ = std::current_exception();
    }
  }
  stopped_ = true;
  for (SourceLane* lane : running_) lane->cancel();
}

void TwoSides::source_main(std::size_t reader, const Take& take, const std::function<void(SourceLane&)>& last) {
  const std::unique_ptr<SourceLane> lane = ends_.snapshot.open_lane();
  const CancelToken::Registration on_cancel(cancel_, [&lane] { lane->cancel(); });
  {
    const std::lock_guard lock(mutex_);
    running_.insert(lane.get());
  }
  struct Leave {
    TwoSides& sides;
    SourceLane* lane;
    ~Leave() {
      const std::lock_guard lock(sides.mutex_);
      sides.running_.erase(lane);
    }
  } const leave{*this, lane.get()};

  WideGate::Pass pass;
  ReadLimits limits;
  limits.batch_bytes = kBatchBytes;
  limits.max_cell_bytes = ends_.max_cell_bytes;
  limits.pool = counting_pool();
  limits.before_wide_row = [&] {
    if (!pass.owns_lock()) pass = gate_.enter(cancel_);
  };
  while (true) {
    const std::size_t index = next_++;
    if (index >= ends_.plan.partitions.size()) {
      if (index == ends_.plan.partitions.size() && last) last(*lane);
      return;
    }
    check();
    const PartitionPlan& partition = ends_.plan.partitions[index];
    const std::unique_ptr<BatchReader> rows = lane->read(ends_.plan, partition, limits);
    while (auto batch = rows->next()) {
      check();
      take(reader, partition.ordinal, *batch);
      progress_.lanes.rows += batch->num_rows();
      progress_.lanes.bytes += arrow::util::TotalBufferSize(*batch);
      batch.reset();
      if (pass.owns_lock()) pass.unlock();
    }
    ++progress_.partitions_done;
  }
}

void TwoSides::target_main(TargetReader& rows, const Take& take) {
  while (const auto batch = rows.next()) {
    check();
    take(0, 0, *batch);
    progress_.rows_loaded += batch->num_rows();
  }
}

void TwoSides::read(const Take& take, const std::function<void(SourceLane&)>& last) {
  next_ = 0;
  progress_.partitions += static_cast<int>(ends_.plan.partitions.size());
  progress_.rows_expected += std::max<std::int64_t>(0, ends_.plan.rows_estimate);
  std::unique_ptr<TargetReader> rows = ends_.session.read(ends_.plan.target, ends_.target_columns, counting_pool());
  if (rows->wide()) {
    // One side after the other: the source's side of such a row is not waiting in memory meanwhile.
    target_main(*rows, take);
    rows.reset();
  }
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i <= lanes_; ++i)
      threads.emplace_back([this, i, &take, &last] {
        try {
          source_main(i, take, last);
        } catch (...) {
          fail();
        }
      });
    try {
      if (rows != nullptr) target_main(*rows, take);
    } catch (...) {
      fail();
    }
  }
  if (error_ != nullptr) std::rethrow_exception(error_);
}

}  // namespace pulk
