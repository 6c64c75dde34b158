// The mark protocol (I2) and the count gate (I1), the same for every target.
#include <gtest/gtest.h>

#include <csignal>

#include "unit/warehouse/support.h"

namespace pulk::test {
namespace {

using Ids = std::vector<std::int64_t>;

class MarkProtocol : public testing::TestWithParam<std::string> {
 protected:
  MarkProtocol() : target_(make_target(GetParam(), folder_.path())) {}
  void TearDown() override {
    if (service()) ask_snowflake("DROP DATABASE IF EXISTS " + target_.database);
  }

  TablePlan plan(int partitions, const std::string& table = "orders") {
    return plan_of(*target_.warehouse, full(table), partitions);
  }
  QualifiedName full(const std::string& table) const { return {target_.database, "main", table}; }
  bool service() const { return GetParam() == "snowflake"; }
  // What a reader finds after the first publish failed: a service's DDL cannot be part of the transaction.
  std::optional<Ids> after_a_failed_publish() const { return service() ? std::optional(Ids{}) : std::nullopt; }
  RunIdentity who(const std::string& run) { return {run, "host pid 1 workspace /w of " + run}; }

  StagedFile file(const TablePlan& plan, const std::string& run, const std::string& name, const Ids& ids) {
    return write_file(*target_.stage(run, plan), name, id_rows(ids));
  }
  LoadResult load(WarehouseSession& session, const TablePlan& plan, const std::string& run, int ordinal,
                  std::int64_t fence, const Ids& ids, int attempt = 1) {
    const std::string name = "p0000" + std::to_string(ordinal) + "-a" + std::to_string(attempt) + "-001.parquet";
    PartitionLoad load = load_of(plan, ordinal, fence, {file(plan, run, name, ids)});
    load.attempt = attempt;
    return session.load(who(run), plan, *target_.stage(run, plan), load);
  }
  // A session that failed is thrown away; the next one needs its lock.
  void reopen(std::unique_ptr<WarehouseSession>& session) {
    session.reset();
    session = target_.open();
  }
  // A whole run, from take to clean.
  std::int64_t move(const std::string& run, const std::vector<Ids>& partitions, PublishMode mode = PublishMode::replace,
                    const std::string& table = "orders") {
    const TablePlan p = plan(static_cast<int>(partitions.size()), table);
    auto session = target_.open();
    const std::int64_t fence = mark_of(session->take(who(run), p), "").fence;
    for (std::size_t i = 0; i < partitions.size(); ++i)
      load(*session, p, run, static_cast<int>(i) + 1, fence, partitions[i]);
    const std::int64_t rows = session->publish(who(run), p, mode, fence);
    session->clean(who(run), p.target, false);
    return rows;
  }
  // A service may hold those of other tests.
  std::vector<WarehouseSession::Leftover> left(WarehouseSession& session) {
    std::vector<WarehouseSession::Leftover> found = session.leftovers();
    std::erase_if(found, [&](const auto& leftover) { return leftover.target.database != target_.database; });
    return found;
  }
  std::optional<Ids> ids(const std::string& table = "orders") { return target_.ids(full(table)); }

  TempFolder folder_;
  Target target_;
};

TEST_P(MarkProtocol, TakeRaisesTheFenceThenLooks) {
  const TablePlan p = plan(2);
  const auto first = target_.open()->take(who("r1"), p);
  ASSERT_EQ(first.size(), 3u);
  for (const Mark& mark : first) {
    EXPECT_EQ(mark.fence, 1);
    EXPECT_EQ(mark.state, MarkState::pending);
  }
  const auto second = target_.open()->take(who("r1"), p);
  ASSERT_EQ(second.size(), 3u);
  for (const Mark& mark : second) EXPECT_EQ(mark.fence, 2);
}

TEST_P(MarkProtocol, LoadedThenPublished) {
  EXPECT_EQ(move("r1", {{1, 2}, {3}}), 3);
  EXPECT_EQ(ids(), (Ids{1, 2, 3}));
}

TEST_P(MarkProtocol, AnEmptyTableExists) {
  const TablePlan p = plan(1);
  auto session = target_.open();
  session->take(who("r1"), p);
  session->load(who("r1"), p, *target_.stage("r1", p), load_of(p, 1, 1, {}));
  EXPECT_EQ(session->publish(who("r1"), p, PublishMode::replace, 1), 0);
  const auto deployed = session->describe(p.target);
  ASSERT_TRUE(deployed);
  EXPECT_EQ(deployed->columns.size(), 2u);
  session.reset();
  EXPECT_EQ(ids(), Ids{});
}

TEST_P(MarkProtocol, AFileWithoutRowsIsLoaded) {
  const TablePlan p = plan(2);
  auto session = target_.open();
  session->take(who("r1"), p);
  EXPECT_EQ(load(*session, p, "r1", 1, 1, {}).rows, 0);
  load(*session, p, "r1", 2, 1, {4});
  EXPECT_EQ(session->publish(who("r1"), p, PublishMode::replace, 1), 1);
  session.reset();
  EXPECT_EQ(ids(), Ids{4});
}

TEST_P(MarkProtocol, MarksTellWhatIsLoaded) {
  const TablePlan p = plan(2);
  auto session = target_.open();
  session->take(who("r1"), p);
  load(*session, p, "r1", 1, 1, {1, 2, 3});
  session.reset();
  const auto marks = target_.open()->take(who("r1"), p);
  EXPECT_EQ(mark_of(marks, "p1").state, MarkState::loaded);
  EXPECT_EQ(mark_of(marks, "p1").rows, 3);
  EXPECT_EQ(mark_of(marks, "p1").attempt, 1);
  EXPECT_EQ(mark_of(marks, "p1").snapshot, "snap");
  EXPECT_EQ(mark_of(marks, "p2").state, MarkState::pending);
}

TEST_P(MarkProtocol, LoadingTwiceIsRefused) {
  const TablePlan p = plan(1);
  auto session = target_.open();
  session->take(who("r1"), p);
  load(*session, p, "r1", 1, 1, {1, 2});
  const Error error = error_of([&] { load(*session, p, "r1", 1, 1, {7, 8}, 2); });
  EXPECT_EQ(error.kind(), ErrorKind::retryable);
  EXPECT_NE(error.message().find("fence lost"), std::string::npos) << error.what();
  EXPECT_TRUE(error.is_final());
  reopen(session);
  EXPECT_EQ(session->publish(who("r1"), p, PublishMode::replace, 1), 2);
  session.reset();
  EXPECT_EQ(ids(), (Ids{1, 2}));
}

TEST_P(MarkProtocol, AStaleFenceChangesNothing) {
  const TablePlan p = plan(1);
  auto session = target_.open();
  session->take(who("r1"), p);
  session->take(who("r1"), p);
  const Error error = error_of([&] { load(*session, p, "r1", 1, 1, {1, 2}); });
  EXPECT_NE(error.message().find("fence lost"), std::string::npos) << error.what();
  EXPECT_TRUE(error.is_final());
  reopen(session);
  const auto marks = session->take(who("r1"), p);
  EXPECT_EQ(mark_of(marks, "p1").state, MarkState::pending);
  load(*session, p, "r1", 1, 3, {5}, 2);
  session.reset();

  for (const std::int64_t stale : {1, 2, 4}) {
    reopen(session);
    EXPECT_EQ(error_of([&] { session->reset(who("r1"), p, "p1", stale); }).kind(), ErrorKind::retryable);
    reopen(session);
    EXPECT_EQ(error_of([&] { session->restamp(who("r1"), p, "p1", stale, "x"); }).kind(), ErrorKind::retryable);
    reopen(session);
    EXPECT_EQ(error_of([&] { session->publish(who("r1"), p, PublishMode::replace, stale); }).kind(),
              ErrorKind::retryable);
    session.reset();
    EXPECT_EQ(ids(), std::nullopt);
  }
  reopen(session);
  session->publish(who("r1"), p, PublishMode::replace, 3);
  session.reset();
  EXPECT_EQ(ids(), Ids{5});
}

TEST_P(MarkProtocol, ResetAndReloadReplacesThePartition) {
  const TablePlan p = plan(2);
  auto session = target_.open();
  session->take(who("r1"), p);
  load(*session, p, "r1", 1, 1, {1, 2});
  load(*session, p, "r1", 2, 1, {3});
  session->reset(who("r1"), p, "p1", 1);
  const Error error = error_of([&] { session->publish(who("r1"), p, PublishMode::replace, 1); });
  EXPECT_EQ(error.kind(), ErrorKind::internal) << error.what();
  session.reset();
  EXPECT_EQ(ids(), after_a_failed_publish());

  reopen(session);
  load(*session, p, "r1", 1, 1, {10, 20, 30}, 2);
  EXPECT_EQ(session->publish(who("r1"), p, PublishMode::replace, 1), 4);
  session.reset();
  EXPECT_EQ(ids(), (Ids{3, 10, 20, 30}));
}

TEST_P(MarkProtocol, RestampChangesTheSnapshotOnly) {
  const TablePlan p = plan(1);
  auto session = target_.open();
  session->take(who("r1"), p);
  EXPECT_EQ(error_of([&] { session->restamp(who("r1"), p, "p1", 1, "later"); }).kind(), ErrorKind::retryable);
  reopen(session);
  load(*session, p, "r1", 1, 1, {1});
  session->restamp(who("r1"), p, "p1", 1, "later");
  const auto marks = session->take(who("r1"), p);
  EXPECT_EQ(mark_of(marks, "p1").snapshot, "later");
  EXPECT_EQ(mark_of(marks, "p1").state, MarkState::loaded);
  EXPECT_EQ(mark_of(marks, "p1").rows, 1);
}

TEST_P(MarkProtocol, TheCountGateStopsALoad) {
  const TablePlan p = plan(1);
  auto session = target_.open();
  session->take(who("r1"), p);
  PartitionLoad gate = load_of(p, 1, 1, {file(p, "r1", "p00001-a1-001.parquet", {1, 2, 3})});
  gate.rows = 4;
  const Error error = error_of([&] { session->load(who("r1"), p, *target_.stage("r1", p), gate); });
  EXPECT_EQ(error.kind(), ErrorKind::integrity) << error.what();
  reopen(session);
  EXPECT_EQ(mark_of(session->take(who("r1"), p), "p1").state, MarkState::pending);
  load(*session, p, "r1", 1, 2, {4, 5}, 2);
  session->publish(who("r1"), p, PublishMode::replace, 2);
  session.reset();
  EXPECT_EQ(ids(), (Ids{4, 5}));
}

TEST_P(MarkProtocol, AFileThatIsMissingOrChangedIsFound) {
  const TablePlan p = plan(1);
  auto session = target_.open();
  session->take(who("r1"), p);
  PartitionLoad l = load_of(p, 1, 1, {file(p, "r1", "p00001-a1-001.parquet", {1, 2, 3})});
  // The size of a file on a service's stage is looked at when it is put there.
  if (!service()) {
    l.files[0].bytes += 1;
    EXPECT_EQ(error_of([&] { session->load(who("r1"), p, *target_.stage("r1", p), l); }).kind(), ErrorKind::integrity);
    l.files[0].bytes -= 1;
  }
  l.files[0].name = "p00001-a1-002.parquet";
  reopen(session);
  EXPECT_EQ(error_of([&] { session->load(who("r1"), p, *target_.stage("r1", p), l); }).kind(), ErrorKind::integrity);
}

TEST_P(MarkProtocol, ASecondRunOnTheTableIsRefused) {
  const TablePlan p = plan(1);
  auto session = target_.open();
  session->take(who("r1"), p);
  const Error error = error_of([&] { session->take(who("r2"), p); });
  EXPECT_EQ(error.kind(), ErrorKind::retryable);
  EXPECT_NE(error.message().find("r1"), std::string::npos);
  EXPECT_NE(error.message().find("host pid 1"), std::string::npos);
  EXPECT_NE(error.hint().find("pulk clean --abandon r1"), std::string::npos);
  reopen(session);
  // Another table is free, and so is this one once the first run is given up.
  session->take(who("r2"), plan(1, "others"));
  session->clean(who("r1"), p.target, false);
  session->take(who("r2"), p);
}

TEST_P(MarkProtocol, PublishGivesTheLeaseBack) {
  move("r1", {{1}});
  EXPECT_EQ(move("r2", {{2}, {3}}), 2);
  EXPECT_EQ(ids(), (Ids{2, 3}));
}

TEST_P(MarkProtocol, PublishReplacesTheContentAndAppendAddsToIt) {
  move("r1", {{1, 2}});
  move("r2", {{3}, {4}});
  EXPECT_EQ(ids(), (Ids{3, 4}));
  EXPECT_EQ(move("r3", {{5}}, PublishMode::append), 1);
  EXPECT_EQ(ids(), (Ids{3, 4, 5}));
  EXPECT_EQ(move("r4", {{6}, {7}}, PublishMode::append), 2);
  EXPECT_EQ(ids(), (Ids{3, 4, 5, 6, 7}));
  move("r5", {{8}});
  EXPECT_EQ(ids(), Ids{8});
}

TEST_P(MarkProtocol, AppendIntoATableThatIsNotThereMakesIt) {
  EXPECT_EQ(move("r1", {{1}}, PublishMode::append), 1);
  EXPECT_EQ(ids(), Ids{1});
}

TEST_P(MarkProtocol, PublishingAgainIsTheSamePublish) {
  move("r0", {{9}});
  const TablePlan p = plan(1);
  auto session = target_.open();
  session->take(who("r1"), p);
  load(*session, p, "r1", 1, 1, {1, 2});
  EXPECT_EQ(session->publish(who("r1"), p, PublishMode::append, 1), 2);
  EXPECT_EQ(session->publish(who("r1"), p, PublishMode::append, 1), 2);
  const auto marks = session->take(who("r1"), p);
  EXPECT_EQ(mark_of(marks, "").state, MarkState::published);
  EXPECT_EQ(mark_of(marks, "").fence, 1);  // it only looked
  EXPECT_EQ(mark_of(marks, "").rows, 2);
  session.reset();
  EXPECT_EQ(ids(), (Ids{1, 2, 9}));
}

TEST_P(MarkProtocol, CleanLeavesOnlyThePublishMark) {
  const TablePlan p = plan(1);
  auto session = target_.open();
  session->take(who("r1"), p);
  load(*session, p, "r1", 1, 1, {1});
  const auto stage = target_.stage("r1", p);
  for (const std::string& name : stage->list()) stage->remove(name);
  const auto before = left(*session);
  ASSERT_EQ(before.size(), service() ? 4u : 3u);  // with a stage
  for (const auto& leftover : before) {
    EXPECT_EQ(leftover.run, "r1");
    EXPECT_EQ(leftover.target, p.target);
    EXPECT_EQ(leftover.owner, who("r1").owner);
  }
  session->publish(who("r1"), p, PublishMode::replace, 1);
  EXPECT_EQ(left(*session).size(), service() ? 3u : 1u);
  session->clean(who("r1"), p.target, false);
  session->clean(who("r1"), p.target, false);
  EXPECT_TRUE(left(*session).empty());
  EXPECT_EQ(mark_of(session->take(who("r1"), p), "").state, MarkState::published);
  session->clean(who("r1"), p.target, true);
  EXPECT_EQ(mark_of(session->take(who("r1"), p), "").state, MarkState::pending);
  session->clean(who("r1"), p.target, true);
  session.reset();
  EXPECT_EQ(ids(), Ids{1});
}

TEST_P(MarkProtocol, AbandoningARunLeavesThePublishedTable) {
  move("r1", {{1}});
  const TablePlan p = plan(2);
  auto session = target_.open();
  session->take(who("r2"), p);
  load(*session, p, "r2", 1, 1, {7});
  session->clean(who("r2"), p.target, false);
  EXPECT_TRUE(left(*session).empty());
  session.reset();
  EXPECT_EQ(ids(), Ids{1});
}

TEST_P(MarkProtocol, DescribeKnowsColumnsAndKinds) {
  move("r1", {{1}});
  auto session = target_.open();
  EXPECT_FALSE(session->describe(full("nothing")));
  const auto table = session->describe(full("orders"));
  ASSERT_TRUE(table);
  ASSERT_EQ(table->columns.size(), 2u);
  EXPECT_EQ(table->columns[0].name, "id");
  EXPECT_EQ(table->columns[0].type, service() ? "NUMBER(19,0)" : "BIGINT");
  EXPECT_FALSE(table->columns[0].nullable);
  EXPECT_EQ(table->columns[1].type, service() ? "VARCHAR(16777216)" : "VARCHAR");
  EXPECT_TRUE(table->columns[1].nullable);
}

TEST_P(MarkProtocol, AwkwardTableNames) {
  std::vector<std::string> names = {"a b", "a.b", ".hidden", "a\"b",  "it's", "select", "\xF0\x9F\x90\x98",
                                    "a/b", "..",  "%2E",     "a[1]*?"};
  if (service()) names = {"a \"b.c", "it's", "\xF0\x9F\x90\x98/\\"};  // each table takes a second
  std::int64_t id = 100;
  for (const std::string& awkward : names) EXPECT_EQ(move("r1", {{++id}}, PublishMode::replace, awkward), 1) << awkward;
  id = 100;
  for (const std::string& awkward : names) {
    if (target_.kind != "duckdb") {
      EXPECT_EQ(ids(awkward), Ids{++id}) << awkward;
      continue;
    }
    EXPECT_EQ(ask_duckdb(target_.place, "SELECT id::VARCHAR FROM main." + quote_double(awkward)),
              std::vector<std::string>{std::to_string(++id)});
  }
}

TEST_P(MarkProtocol, AMissingTargetIsTheUsersMistakeUnlessItMayBeMade) {
  const Error error =
      error_of([&] { target_.warehouse->open(std::chrono::milliseconds(10), 64LL << 20, false, nullptr); });
  EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
}

// The child of the test below: the process is killed at the step that PULK_CRASH_AT names.
TEST_P(MarkProtocol, DISABLED_OneRun) {
  const char* place = std::getenv("PULK_TEST_FOLDER");
  if (place == nullptr) GTEST_SKIP();
  target_ = make_target(GetParam(), place);
  move("r2", {{3}, {4, 5}}, std::getenv("PULK_TEST_APPEND") != nullptr ? PublishMode::append : PublishMode::replace);
}

TEST_P(MarkProtocol, KilledAtAnyStepThenResumed) {
  for (const bool append : {false, true}) {
    for (const std::string step : {"load.begun", "load.data_in", "load.marked", "load.marked:2", "publish.begun",
                                   "publish.data_in", "publish.marked"}) {
      SCOPED_TRACE(step + (append ? " append" : " replace"));
      const TempFolder place;
      target_ = make_target(GetParam(), place.path());
      move("r1", {{1, 2}});
      std::vector<std::string> environment = {"PULK_CRASH_AT=" + step, "PULK_TEST_FOLDER=" + place.path(),
                                              "TMPDIR=" + place.path()};
      if (append) environment.emplace_back("PULK_TEST_APPEND=1");
      const int status = run_test_elsewhere("*MarkProtocol.DISABLED_OneRun/" + GetParam(), environment);
      ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;

      // Whoever resumes believes the marks, and nothing else.
      const TablePlan p = plan(2);
      auto session = target_.open();
      const auto marks = session->take(who("r2"), p);
      const std::int64_t fence = mark_of(marks, "").fence;
      // Where readers already see the new version, the mark has to follow.
      const bool swapped = target_.kind == "files" && (step == "publish.data_in" || step == "publish.marked");
      EXPECT_EQ(mark_of(marks, "").state, swapped ? MarkState::published : MarkState::pending);
      if (mark_of(marks, "").state != MarkState::published) {
        const std::vector<Ids> rows = {{3}, {4, 5}};
        for (int ordinal = 1; ordinal <= 2; ++ordinal) {
          if (mark_of(marks, p.partitions[static_cast<std::size_t>(ordinal) - 1].id).state == MarkState::loaded)
            continue;
          load(*session, p, "r2", ordinal, fence, rows[static_cast<std::size_t>(ordinal) - 1], 2);
        }
        session->publish(who("r2"), p, append ? PublishMode::append : PublishMode::replace, fence);
      }
      session->clean(who("r2"), p.target, false);
      EXPECT_TRUE(left(*session).empty());
      session.reset();
      EXPECT_EQ(ids(), append ? (Ids{1, 2, 3, 4, 5}) : (Ids{3, 4, 5}));
      move("r3", {{9}});
      EXPECT_EQ(ids(), Ids{9});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Embedded, MarkProtocol, testing::Values("duckdb", "files"),
                         [](const auto& kind) { return kind.param; });
INSTANTIATE_TEST_SUITE_P(DISABLED_Snowflake, MarkProtocol, testing::Values("snowflake"),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace pulk::test
