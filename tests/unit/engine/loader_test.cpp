// What the loader promises about work on one table, with a warehouse that only counts its sessions.
#include "engine/loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/cancel.h"

namespace pulk::test {
namespace {

class NoSession : public WarehouseSession {
 public:
  explicit NoSession(std::atomic<int>& open) : open_(open) { ++open_; }
  ~NoSession() override { --open_; }
  std::optional<DeployedTable> describe(const QualifiedName&) override { return std::nullopt; }
  std::unique_ptr<TargetReader> read(const QualifiedName&, const std::vector<DeployedColumn>&,
                                     arrow::MemoryPool*) override {
    return nullptr;
  }
  std::vector<Mark> take(const RunIdentity&, const TablePlan&) override { return {}; }
  void reset(const RunIdentity&, const TablePlan&, const std::string&, std::int64_t) override {}
  void restamp(const RunIdentity&, const TablePlan&, const std::string&, std::int64_t, const std::string&) override {}
  LoadResult load(const RunIdentity&, const TablePlan&, const Stage&, const PartitionLoad&) override { return {}; }
  std::int64_t publish(const RunIdentity&, const TablePlan&, PublishMode, std::int64_t) override { return 0; }
  void clean(const RunIdentity&, const QualifiedName&, bool) override {}
  std::vector<Leftover> leftovers() override { return {}; }

 private:
  std::atomic<int>& open_;
};

class CountingWarehouse : public Warehouse {
 public:
  explicit CountingWarehouse(int sessions) : sessions_(sessions) {}
  std::string kind() const override { return "none"; }
  std::string location() const override { return ""; }
  NameRule name_rule() const override { return NameRule::upper; }
  TypeChoice choose_type(const LogicalType&, const std::string&, const std::string&,
                         const std::string&) const override {
    return {};
  }
  std::optional<StoredType> stored_type(const std::string&) const override { return std::nullopt; }
  QualifiedName resolve(const WrittenName&, const WrittenName&, const WrittenName&) const override { return {}; }
  std::string column_name(const WrittenName&) const override { return {}; }
  bool same_column(const std::string&, const std::string&) const override { return false; }
  bool exists() const override { return true; }
  void check_location() const override {}
  std::unique_ptr<Stage> stage(const std::string&, const TablePlan&, const std::string&) override { return nullptr; }
  int load_sessions() const override { return sessions_; }
  std::chrono::milliseconds patience() const override { return std::chrono::milliseconds(20); }
  std::unique_ptr<WarehouseSession> open(std::chrono::milliseconds, std::int64_t, bool, CancelToken*) override {
    ++opened;
    return std::make_unique<NoSession>(open_now);
  }
  std::atomic<int> opened{0}, open_now{0};

 private:
  const int sessions_;
};

// Counts down; wait() returns false when that takes longer than anything here should.
class Latch {
 public:
  explicit Latch(int count) : count_(count) {}
  void arrive() {
    std::lock_guard lock(mutex_);
    --count_;
    changed_.notify_all();
  }
  bool wait(std::chrono::milliseconds most = std::chrono::seconds(10)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [this] { return count_ <= 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_;
};

class LoaderTest : public testing::Test {
 protected:
  void start(int sessions) {
    warehouse_ = std::make_unique<CountingWarehouse>(sessions);
    loader_ = std::make_unique<Loader>(*warehouse_, 0, std::chrono::seconds(1), cancel_);
  }
  void beside(const int& table, Loader::Work work) {
    loader_->submit(&table, Loader::Manner::beside, std::move(work), [this](const Error&) { ++errors_; });
  }
  void alone(const int& table, Loader::Work work) {
    loader_->submit(&table, Loader::Manner::alone, std::move(work), [this](const Error&) { ++errors_; });
  }

  CancelToken cancel_;
  std::unique_ptr<CountingWarehouse> warehouse_;
  std::unique_ptr<Loader> loader_;
  std::atomic<int> errors_{0};
  int a_ = 0, b_ = 0;
};

TEST_F(LoaderTest, LoadsOfOneTableRunSideBySideEachInASessionOfItsOwn) {
  start(3);
  Latch all(3), done(3);
  for (int i = 0; i < 3; ++i)
    beside(a_, [&](WarehouseSession&) {
      all.arrive();
      EXPECT_TRUE(all.wait());
      done.arrive();
    });
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(warehouse_->opened, 3);
}

TEST_F(LoaderTest, AnEmbeddedTargetHasOneSession) {
  start(1);
  std::atomic<int> now{0}, most{0};
  Latch done(5);
  for (int i = 0; i < 5; ++i)
    beside(a_, [&](WarehouseSession&) {
      most = std::max(most.load(), ++now);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      --now;
      done.arrive();
    });
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(most, 1);
  EXPECT_EQ(warehouse_->opened, 1);
}

TEST_F(LoaderTest, WhatIsDoneAloneWaitsForWhatIsBeforeItAndHoldsBackWhatIsAfterIt) {
  start(4);
  Latch begun(2), let_go(1), done(1), other(1);
  std::atomic<int> ended{0};
  for (int i = 0; i < 2; ++i)
    beside(a_, [&](WarehouseSession&) {
      begun.arrive();
      EXPECT_TRUE(let_go.wait());
      ++ended;
    });
  ASSERT_TRUE(begun.wait());
  std::atomic<bool> was_alone{false};
  alone(a_, [&](WarehouseSession&) {
    EXPECT_EQ(ended, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    was_alone = true;
  });
  beside(a_, [&](WarehouseSession&) {
    EXPECT_TRUE(was_alone);
    done.arrive();
  });
  // Another table is not held up.
  alone(b_, [&](WarehouseSession&) { other.arrive(); });
  EXPECT_TRUE(other.wait());
  EXPECT_FALSE(was_alone);
  let_go.arrive();
  ASSERT_TRUE(done.wait());
}

TEST_F(LoaderTest, ASessionThatFailedIsClosedBeforeTheErrorIsReported) {
  start(2);
  Latch done(1);
  int open_at_error = -1;
  loader_->submit(
      &a_, Loader::Manner::beside, [](WarehouseSession&) { throw Error(ErrorKind::retryable, "no"); },
      [&](const Error&) {
        open_at_error = warehouse_->open_now;
        done.arrive();
      });
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(open_at_error, 0);
  loader_->run(&a_, [](WarehouseSession&) {});
  EXPECT_EQ(warehouse_->opened, 2);
}

TEST_F(LoaderTest, IdleSessionsAreClosed) {
  start(2);
  loader_->run(&a_, [](WarehouseSession&) {});
  for (int i = 0; i < 500 && warehouse_->open_now > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(warehouse_->open_now, 0);
  loader_->run(&a_, [](WarehouseSession&) {});
  EXPECT_EQ(warehouse_->opened, 2);
}

TEST_F(LoaderTest, WhatIsQueuedAtTheEndGetsItsError) {
  start(1);
  Latch begun(1), let_go(1);
  beside(a_, [&](WarehouseSession&) {
    begun.arrive();
    EXPECT_TRUE(let_go.wait());
  });
  alone(a_, [](WarehouseSession&) { FAIL(); });
  beside(b_, [](WarehouseSession&) { FAIL(); });
  ASSERT_TRUE(begun.wait());
  std::thread ending([&] { loader_.reset(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  let_go.arrive();
  ending.join();
  EXPECT_EQ(errors_, 2);
}

}  // namespace
}  // namespace pulk::test
