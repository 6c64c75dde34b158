#include "engine/planner.h"

#include <gtest/gtest.h>

#include "base/cancel.h"
#include "engine/encoding.h"
#include "engine/memory_budget.h"

#include <thread>

namespace pulk {
namespace {

constexpr std::int64_t kMiB = 1 << 20, kGiB = 1 << 30;

TEST(WantedPieces, AutoGrowsWithTheTable) {
  const PartitionSize automatic;
  EXPECT_EQ(wanted_pieces(automatic, {10 * kMiB, 1000, 4, false}), 1);
  EXPECT_EQ(wanted_pieces(automatic, {100 * kMiB, 1000, 4, false}), 4);     // shared out to the lanes
  EXPECT_EQ(wanted_pieces(automatic, {10 * kGiB, 1000, 4, false}), 40);
  EXPECT_EQ(wanted_pieces(automatic, {10 * kGiB, 1000, 4, true}), 4);       // larger when the server unloads
  EXPECT_EQ(wanted_pieces(automatic, {100 * kGiB - 1, 1000, 4, false}), 400);
  EXPECT_EQ(wanted_pieces(automatic, {1000 * kGiB, 1000, 4, false}), 4000); // more from 100 GB on
  EXPECT_EQ(wanted_pieces(automatic, {-1, -1, 4, false}), 1);
  EXPECT_EQ(wanted_pieces(automatic, {0, 0, 4, false}), 1);
}

TEST(WantedPieces, FixedSizesAreKept) {
  const PartitionSize mb{PartitionSize::Kind::target_size_mb, 64};
  EXPECT_EQ(wanted_pieces(mb, {64 * kMiB, 0, 4, false}), 1);
  EXPECT_EQ(wanted_pieces(mb, {64 * kMiB + 1, 0, 4, false}), 2);
  const PartitionSize rows{PartitionSize::Kind::max_rows, 500};
  EXPECT_EQ(wanted_pieces(rows, {0, 1001, 4, false}), 3);
  EXPECT_EQ(wanted_pieces(rows, {0, 0, 4, false}), 1);
}

TEST(ThrowFindings, UsageGoesBeforeRefusalBeforeDrift) {
  const auto kind_of = [](std::vector<Finding> findings) {
    try {
      throw_findings(findings);
    } catch (const Error& e) {
      return e.exit_code();
    }
    return 0;
  };
  EXPECT_EQ(kind_of({}), 0);
  EXPECT_EQ(kind_of({{ErrorKind::drift, {"a", "b", ""}}}), 4);
  EXPECT_EQ(kind_of({{ErrorKind::drift, {"a", "b", ""}}, {ErrorKind::refused, {"a", "b", ""}}}), 5);
  EXPECT_EQ(kind_of({{ErrorKind::refused, {"a", "b", ""}}, {ErrorKind::usage, {"a", "b", ""}}}), 1);
}

TEST(Encoding, WideTablesHaveSmallerRowGroups) {
  const EncodeOptions wanted;
  const std::int64_t budget = 64 * kMiB;
  EXPECT_EQ(fit_to_budget(wanted, 16, budget).row_group_bytes, wanted.row_group_bytes);
  EXPECT_LE(lane_cost(fit_to_budget(wanted, 16, budget), 16), budget);
  const EncodeOptions wide = fit_to_budget(wanted, 1600, budget);
  EXPECT_LE(lane_cost(wide, 1600), budget);
  EXPECT_LT(wide.row_group_bytes, wanted.row_group_bytes);
}

TEST(MemoryBudget, ALaneWaitsForItsWholeWorstCase) {
  MemoryBudget budget(100);
  CancelToken cancel;
  auto first = budget.reserve(80, cancel);
  std::atomic<bool> admitted{false};
  std::thread second([&] {
    auto reservation = budget.reserve(30, cancel);
    admitted = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(admitted);
  first.release();
  second.join();
  EXPECT_TRUE(admitted);
  EXPECT_NO_THROW(budget.reserve(1000, cancel));  // more than there is: runs alone
}

TEST(MemoryBudget, WaitingEndsWhenCancelled) {
  MemoryBudget budget(10);
  CancelToken cancel;
  auto all = budget.reserve(10, cancel);
  cancel.cancel();
  EXPECT_THROW(budget.reserve(1, cancel), Error);
}

}  // namespace
}  // namespace pulk
