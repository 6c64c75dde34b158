#include "state/sqlite/sqlite_store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/sqlite_db.h"

namespace pulk {
namespace {

namespace fs = std::filesystem;

class SqliteStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/pulk-store-XXXXXX";
    folder_ = ::mkdtemp(pattern);
  }
  void TearDown() override { fs::remove_all(folder_); }
  WorkspaceOptions options() const {
    WorkspaceOptions o;
    o.folder = folder_ + "/ws";
    return o;
  }
  static TablePlan plan() {
    TablePlan p;
    p.label = "t";
    p.target = {"", "main", "t"};
    p.partitions = {{1, "aaaa", PartitionKind::key_range, "x", "x", 1, 1}, {2, "bbbb", PartitionKind::key_null, "y", "y", 1, 1}};
    return p;
  }
  static RunRecord run(const std::string& id) {
    RunRecord r;
    r.id = id;
    r.workflow = "w";
    r.config = "{}";
    r.target = "duckdb x";
    r.started = "2026-01-01T00:00:00.000Z";
    return r;
  }
  std::string folder_;
};

TEST_F(SqliteStoreTest, WhatIsWrittenIsThereAfterReopening) {
  {
    const auto store = open_sqlite_store(options());
    store->create_run(run("r1"), {plan()});
    store->freeze_table("r1", 0, plan());
    EXPECT_EQ(store->begin_attempt("r1", 0, 1), 1);
    EXPECT_EQ(store->begin_attempt("r1", 0, 1), 2);
    PartitionRecord p;
    p.ordinal = 1;
    p.snapshot = "s1";
    p.rows_read = p.rows_encoded = 7;
    p.bytes = 100;
    store->set_partition_staged("r1", 0, p, {{"f1", 7, 100, "d"}});
    p.rows_loaded = 7;
    store->set_partition_loaded("r1", 0, p);
  }
  const auto store = open_sqlite_store(options());
  const auto unfinished = store->unfinished_run("w");
  ASSERT_TRUE(unfinished.has_value());
  EXPECT_EQ(unfinished->id, "r1");
  const auto tables = store->tables("r1");
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].state, TableState::frozen);
  ASSERT_EQ(tables[0].partitions.size(), 2U);
  EXPECT_EQ(tables[0].partitions[0].state, PartitionState::loaded);
  EXPECT_EQ(tables[0].partitions[0].rows_loaded, 7);
  EXPECT_EQ(tables[0].partitions[0].attempt, 2);
  EXPECT_EQ(tables[0].partitions[1].state, PartitionState::pending);
  EXPECT_EQ(store->files("r1", 0, 1), (std::vector<StagedFile>{{"f1", 7, 100, "d"}}));
  store->set_run_state("r1", RunState::finished);
  EXPECT_FALSE(store->unfinished_run("w").has_value());
}

TEST_F(SqliteStoreTest, StatementsOfAPartitionAreThoseOfItsLastAttempt) {
  const auto store = open_sqlite_store(options());
  store->create_run(run("r1"), {plan()});
  store->freeze_table("r1", 0, plan());
  const std::vector<LoadStatement> two{{"q1", 1.5, 4, 60}, {"q2", 0.25, 3, 40}};
  PartitionRecord p;
  p.ordinal = 1;
  p.statements = two;
  store->begin_attempt("r1", 0, 1);
  store->set_partition_loaded("r1", 0, p);
  p.ordinal = 2;
  p.statements = {{"q3", 2, 5, 70}};
  store->begin_attempt("r1", 0, 2);
  store->set_partition_loaded("r1", 0, p);
  // A record that only repeats what the mark says takes nothing away.
  p.statements = {};
  store->set_partition_loaded("r1", 0, p);
  store->set_table_published("r1", 0, "s1", "snapshot", 12, {{"q4", 3, 12, 0}});
  TableRecord table = store->tables("r1").at(0);
  EXPECT_EQ(table.partitions[0].statements, two);
  EXPECT_EQ(table.partitions[1].statements, (std::vector<LoadStatement>{{"q3", 2, 5, 70}}));
  EXPECT_EQ(table.statements, (std::vector<LoadStatement>{{"q4", 3, 12, 0}}));
  store->begin_attempt("r1", 0, 1);
  table = store->tables("r1").at(0);
  EXPECT_TRUE(table.partitions[0].statements.empty());
  EXPECT_EQ(table.partitions[1].statements.size(), 1U);
}

TEST_F(SqliteStoreTest, AnOlderLedgerIsUpgradedAndKeepsItsRuns) {
  {
    const auto store = open_sqlite_store(options());
    store->create_run(run("r1"), {plan()});
    store->freeze_table("r1", 0, plan());
  }
  {
    // As the first version left it.
    SqliteDb db(folder_ + "/ws/ledger.sqlite", false, std::chrono::seconds(5));
    db.execute("DROP TABLE statement");
    db.execute("PRAGMA user_version = 1");
  }
  auto reader = options();
  reader.read_only = true;
  EXPECT_EQ(open_sqlite_store(reader)->tables("r1").at(0).partitions.size(), 2U);
  const auto store = open_sqlite_store(options());
  const auto tables = store->tables("r1");
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].partitions.size(), 2U);
  store->set_table_published("r1", 0, "s1", "snapshot", 1, {{"q1", 1, 1, 0}});
  EXPECT_EQ(store->tables("r1").at(0).statements.size(), 1U);
}

TEST_F(SqliteStoreTest, ALivingOwnerIsNamed) {
  const auto store = open_sqlite_store(options());
  try {
    open_sqlite_store(options());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::retryable);
    EXPECT_NE(std::string(e.what()).find(std::to_string(::getpid())), std::string::npos);
  }
  auto reader = options();
  reader.read_only = true;
  EXPECT_NO_THROW(open_sqlite_store(reader));
}

TEST_F(SqliteStoreTest, ADeadOwnerIsReplacedAtOnce) {
  const pid_t child = ::fork();
  if (child == 0) {
    // Ends without giving the workspace back, as after SIGKILL.
    auto* leaked = open_sqlite_store(options()).release();
    ::_exit(leaked == nullptr ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  EXPECT_NO_THROW(open_sqlite_store(options()));
}

TEST_F(SqliteStoreTest, AnOwnerThatWasTakenOverChangesNothing) {
  const auto store = open_sqlite_store(options());
  store->create_run(run("r1"));
  SqliteDb other(folder_ + "/ws/ledger.sqlite", false, std::chrono::seconds(5));
  other.execute("UPDATE owner SET token = 'another'");
  EXPECT_THROW(store->set_run_state("r1", RunState::finished), Error);
  SqliteStatement look(other, "SELECT state FROM run");
  ASSERT_TRUE(look.step());
  EXPECT_EQ(look.text(0), "running");
}

TEST_F(SqliteStoreTest, ANewerLedgerIsRefused) {
  { open_sqlite_store(options()); }
  {
    SqliteDb db(folder_ + "/ws/ledger.sqlite", false, std::chrono::seconds(5));
    db.execute("PRAGMA user_version = 99");
  }
  try {
    open_sqlite_store(options());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(e.what()).find("99"), std::string::npos);
  }
}

}  // namespace
}  // namespace pulk
