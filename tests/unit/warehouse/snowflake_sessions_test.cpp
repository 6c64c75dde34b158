// Two owners of one run in Snowflake, the second of which takes the table while sessions of the first one load.
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <latch>

#include "unit/warehouse/support.h"

namespace pulk::test {
namespace {

using Ids = std::vector<std::int64_t>;

// Calls `before_copy` where a load asks for the place of its files: its transaction is open then, and nothing is in it.
class Pausing : public Stage {
 public:
  Pausing(std::unique_ptr<Stage> stage, std::function<void()> before_copy)
      : stage_(std::move(stage)), before_copy_(std::move(before_copy)) {}
  std::unique_ptr<OutputFile> create(const std::string& name) override { return stage_->create(name); }
  void remove(const std::string& name) override { stage_->remove(name); }
  std::vector<std::string> list() override { return stage_->list(); }
  std::string location() const override {
    before_copy_();
    return stage_->location();
  }

 private:
  std::unique_ptr<Stage> stage_;
  std::function<void()> before_copy_;
};

TEST(DISABLED_SnowflakeSessions, LoadsOfAnOwnerThatWasTakenOverAreNotKept) {
  const TempFolder folder;
  Target first = make_target("snowflake", folder.path()), second = make_target("snowflake", folder.path());
  const RunIdentity who{"r1", "host pid 1"}, successor{"r1", "host pid 2"};
  const TablePlan plan = plan_of(*first.warehouse, {first.database, "main", "orders"}, 2);
  const auto staged = [&](int ordinal, std::int64_t fence, const Ids& ids) {
    const std::string name = "p" + std::to_string(ordinal) + "-f" + std::to_string(fence) + "a1-001.parquet";
    return load_of(plan, ordinal, fence, {write_file(*first.stage("r1", plan), name, id_rows(ids))});
  };
  auto one = first.open(), two = first.open();
  ASSERT_EQ(mark_of(one->take(who, plan), "").fence, 1);

  std::latch both_begun(2), taken(1);
  const auto pause = [&] {
    both_begun.count_down();
    taken.wait();
  };
  const auto load = [&](WarehouseSession& session, int ordinal, const Ids& ids) {
    return error_of([&] {
      const PartitionLoad files = staged(ordinal, 1, ids);
      const Pausing stage(first.stage("r1", plan), pause);
      session.load(who, plan, stage, files);
    });
  };
  std::future<Error> p1 = std::async(std::launch::async, [&] { return load(*one, 1, {1, 2}); });
  std::future<Error> p2 = std::async(std::launch::async, [&] { return load(*two, 2, {3}); });
  both_begun.wait();
  auto other = second.open();
  EXPECT_EQ(mark_of(other->take(successor, plan), "p1").fence, 2);
  taken.count_down();
  for (const Error& error : {p1.get(), p2.get()}) {
    EXPECT_NE(error.message().find("fence lost"), std::string::npos) << error.what();
    EXPECT_TRUE(error.is_final());
  }

  other->load(successor, plan, *second.stage("r1", plan), staged(1, 2, {10}));
  other->load(successor, plan, *second.stage("r1", plan), staged(2, 2, {20, 30}));
  for (const bool restamp : {true, false}) {
    const Error error = error_of([&] {
      const auto late = first.open();
      if (restamp)
        late->restamp(who, plan, "p1", 1, "later");
      else
        late->publish(who, plan, PublishMode::replace, 1);
    });
    EXPECT_NE(error.message().find("fence lost"), std::string::npos) << error.what();
  }
  EXPECT_EQ(mark_of(other->take(successor, plan), "p1").snapshot, "snap");
  EXPECT_EQ(other->publish(successor, plan, PublishMode::replace, 3), 3);
  other->clean(successor, plan.target, false);
  EXPECT_EQ(first.ids(plan.target), (Ids{10, 20, 30}));
}

}  // namespace
}  // namespace pulk::test
