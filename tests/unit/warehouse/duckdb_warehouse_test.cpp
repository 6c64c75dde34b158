// What is DuckDB's own: opening and its locks, what publishing keeps of a deployed table, names, memory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "base/cancel.h"
#include "unit/warehouse/support.h"

namespace pulk::test {
namespace {

using testing::HasSubstr;
using Lines = std::vector<std::string>;

class Duckdb : public testing::Test {
 protected:
  Duckdb() : target_(make_target("duckdb", folder_.path())) {}

  std::unique_ptr<WarehouseSession> open(std::int64_t memory = 128LL << 20, int wait_ms = 200,
                                         CancelToken* cancel = nullptr) {
    return target_.warehouse->open(std::chrono::milliseconds(wait_ms), memory, true, cancel);
  }
  TablePlan plan() { return plan_of(*target_.warehouse, {"", "main", "orders"}, 1); }
  RunIdentity who(const std::string& run) { return {run, "test"}; }
  PartitionLoad staged(const TablePlan& plan, const std::string& run, const std::vector<std::int64_t>& ids) {
    return load_of(plan, 1, 1, {write_file(*target_.stage(run, plan), "p00001-a1-001.parquet", id_rows(ids))});
  }
  // Everything up to publish; the session stays open.
  void load(WarehouseSession& session, const TablePlan& plan, const std::string& run,
            const std::vector<std::int64_t>& ids) {
    session.take(who(run), plan);
    session.load(who(run), plan, *target_.stage(run, plan), staged(plan, run, ids));
  }
  std::int64_t move(const TablePlan& plan, const std::string& run, const std::vector<std::int64_t>& ids,
                    PublishMode mode = PublishMode::replace, std::int64_t memory = 128LL << 20) {
    auto session = open(memory);
    load(*session, plan, run, ids);
    const std::int64_t rows = session->publish(who(run), plan, mode, 1);
    notes_ = session->notes();
    session->clean(who(run), plan.target, false);
    return rows;
  }
  Lines ask(const std::string& sql) { return ask_duckdb(target_.place, sql); }

  TempFolder folder_;
  Target target_;
  std::vector<std::string> notes_;
};

TEST_F(Duckdb, AFileThatIsNoDatabaseIsAMistakeOfTheUser) {
  std::ofstream(target_.place) << std::string(20000, 'x');
  const Error error = error_of([&] { open(); });
  EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
  EXPECT_THAT(error.message(), HasSubstr("not a DuckDB file"));
}

TEST_F(Duckdb, AFileOfANewerVersionIsNamedSo) {
  ask("CREATE TABLE t(i INTEGER)");
  std::fstream file(target_.place, std::ios::in | std::ios::out | std::ios::binary);
  // Behind the checksum and "DUCK" stands the storage version; the checksum is DuckDB's own.
  std::vector<std::uint64_t> header(4096 / sizeof(std::uint64_t));
  file.read(reinterpret_cast<char*>(header.data()), 4096);
  reinterpret_cast<char*>(header.data())[12] = '\x7e';
  header[0] = 5381;
  for (std::size_t i = 1; i < header.size(); ++i) header[0] ^= header[i] * 0xbf58476d1ce4e5b9U;
  file.seekp(0);
  file.write(reinterpret_cast<const char*>(header.data()), 4096);
  file.close();
  const Error error = error_of([&] { open(); });
  EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
  EXPECT_THAT(error.message(), HasSubstr("version number 126"));
}

TEST_F(Duckdb, AMissingFolderIsNamed) {
  const auto warehouse = make_duckdb_warehouse({folder_ / "no/such/file.duckdb"});
  const Error error = error_of([&] { warehouse->open(std::chrono::milliseconds(10), 64 << 20, true, nullptr); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), HasSubstr("mkdir -p"));
  EXPECT_EQ(error_of([&] { make_duckdb_warehouse({folder_.path()})->open({}, 64 << 20, true, nullptr); }).kind(),
            ErrorKind::usage);
}

// A child holds the file as DuckDB would; it does nothing that is not allowed between fork and exec.
class LockHolder {
 public:
  explicit LockHolder(const std::string& path) {
    int ready[2];
    if (::pipe(ready) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      const int fd = ::open(path.c_str(), O_RDWR);
      struct flock lock {};
      lock.l_type = F_WRLCK;
      lock.l_whence = SEEK_SET;
      if (fd < 0 || ::fcntl(fd, F_SETLK, &lock) != 0 || ::write(ready[1], "x", 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    char byte = 0;
    ::close(ready[1]);
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
  }
  ~LockHolder() { release(); }
  void release() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

TEST_F(Duckdb, WhoHoldsTheLockIsNamed) {
  open();
  const LockHolder holder(target_.place);
  const Error error = error_of([&] { open(64 << 20, 50); });
  EXPECT_EQ(error.kind(), ErrorKind::retryable);
  std::string name;
  std::ifstream comm("/proc/self/comm");
  std::getline(comm, name);
  EXPECT_THAT(error.message(), HasSubstr("process " + std::to_string(holder.pid()) + " (" + name + ")"));
}

TEST_F(Duckdb, OpeningWaitsForTheLock) {
  open();
  LockHolder holder(target_.place);
  std::thread release([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    holder.release();
  });
  open(64 << 20, 10000)->describe({"", "main", "t"});
  release.join();
}

TEST_F(Duckdb, WaitingEndsWhenCancelled) {
  open();
  const LockHolder holder(target_.place);
  CancelToken cancel;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    cancel.cancel();
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of([&] { open(64 << 20, 30000, &cancel); }).kind(), ErrorKind::retryable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  later.join();
}

TEST_F(Duckdb, OneProcessOpensAFileOnce) {
  auto session = open();
  EXPECT_EQ(error_of([&] { open(64 << 20, 50); }).kind(), ErrorKind::retryable);
  session.reset();
  open(64 << 20, 0);
}

TEST_F(Duckdb, ADeployedTableKeepsWhatItIs) {
  ask("CREATE TABLE orders(name VARCHAR DEFAULT 'none', extra INTEGER DEFAULT 7, id BIGINT PRIMARY KEY, CHECK (id > "
      "0))");
  ask("INSERT INTO orders(id) VALUES (1), (2)");
  ask("CREATE INDEX by_name ON orders(name)");
  ask("CREATE VIEW v AS SELECT id, extra FROM orders");
  ask("COMMENT ON TABLE orders IS 'mine'");
  // The same keys again, in one transaction with the DELETE: a unique index checked too early would refuse them.
  EXPECT_EQ(move(plan(), "r1", {2, 3}), 2);
  EXPECT_EQ(ask("SELECT id::VARCHAR, name, extra::VARCHAR FROM orders ORDER BY id"), (Lines{"2|row 2|7", "3|row 3|7"}));
  EXPECT_EQ(ask("SELECT count(*) FROM v"), Lines{"2"});
  EXPECT_EQ(ask("SELECT comment FROM duckdb_tables() WHERE table_name = 'orders'"), Lines{"mine"});
  EXPECT_EQ(ask("SELECT count(*) FROM duckdb_indexes() WHERE table_name = 'orders'"), Lines{"1"});
  EXPECT_EQ(ask("SELECT count(*) FROM duckdb_constraints() WHERE table_name = 'orders' AND constraint_type IN "
                "('PRIMARY KEY', 'CHECK')"),
            Lines{"2"});

  EXPECT_EQ(move(plan(), "r2", {4}, PublishMode::append), 1);
  EXPECT_EQ(ask("SELECT count(*) FROM orders"), Lines{"3"});
}

TEST_F(Duckdb, ARuleOfTheTargetThatTheRowsBreakLeavesItUntouched) {
  ask("CREATE TABLE orders(id BIGINT PRIMARY KEY, name VARCHAR, CHECK (id < 10))");
  ask("INSERT INTO orders VALUES (1, 'old')");
  const TablePlan p = plan();
  auto session = open();
  load(*session, p, "r1", {5, 50});
  const Error error =
      error_of([&] { session->publish(who("r1"), p, PublishMode::replace, 1); });
  EXPECT_EQ(error.kind(), ErrorKind::refused) << error.what();
  EXPECT_THAT(error.what(), HasSubstr("CHECK"));
  session.reset();
  EXPECT_EQ(ask("SELECT id::VARCHAR, name FROM orders"), Lines{"1|old"});
}

TEST_F(Duckdb, ATargetThatChangedAfterPlanningIsDrift) {
  const TablePlan p = plan();
  for (const std::string ddl : {"id BIGINT, name DECIMAL(5,1)", "id BIGINT", "id DOUBLE, name VARCHAR"}) {
    ask("CREATE TABLE orders(" + ddl + ")");
    auto session = open();
    load(*session, p, "r1", {1});
    EXPECT_EQ(error_of([&] { session->publish(who("r1"), p, PublishMode::append, 1); }).kind(),
              ErrorKind::drift);
    session.reset();
    session = open();
    session->clean(who("r1"), p.target, true);
    session.reset();
    ask("DROP TABLE orders");
  }
}

TEST_F(Duckdb, ATableThatPulkMadeIsReplacedWithoutCopying) {
  move(plan(), "r1", {1, 2});
  ask("CREATE VIEW v AS SELECT * FROM orders");
  auto session = open();
  load(*session, plan(), "r2", {3});
  session->publish(who("r2"), plan(), PublishMode::replace, 1);
  // Its staging table is the target now, so none is left to be cleaned.
  for (const auto& left : session->leftovers()) EXPECT_THAT(left.what, testing::Not(HasSubstr("staging")));
  session.reset();
  EXPECT_EQ(ask("SELECT id::VARCHAR, name FROM v"), Lines{"3|row 3"});
  EXPECT_EQ(
      ask("SELECT column_name, is_nullable::VARCHAR FROM duckdb_columns() WHERE table_name = 'orders' ORDER BY 1"),
      (Lines{"id|false", "name|true"}));
}

TEST_F(Duckdb, ATableThatWasChangedSincePulkMadeItCountsAsDeployed) {
  for (const std::string change :
       {"ALTER TABLE orders ALTER COLUMN name SET DEFAULT 'x'", "CREATE INDEX i ON orders(name)",
        "COMMENT ON COLUMN orders.id IS 'key'", "CREATE TABLE child(o BIGINT REFERENCES orders(id))"}) {
    SCOPED_TRACE(change);
    TablePlan p = plan();
    p.primary_key = {"id"};
    move(p, "r1", {1, 2});
    ask(change);
    const std::string shape =
        "SELECT sql, (SELECT string_agg(comment) FROM duckdb_columns() WHERE table_name = 'orders'),"
        " (SELECT count(*) FROM duckdb_indexes() WHERE table_name = 'orders')::VARCHAR"
        " FROM duckdb_tables() WHERE table_name IN ('orders', 'child') ORDER BY ALL";
    const Lines before = ask(shape);
    move(p, "r2", {3});
    EXPECT_EQ(ask(shape), before);
    EXPECT_EQ(ask("SELECT id::VARCHAR FROM orders"), Lines{"3"});
    ask("DROP TABLE IF EXISTS child");
    ask("DROP TABLE orders");
    auto session = open();
    for (const char* run : {"r1", "r2"}) session->clean(who(run), p.target, true);
  }
}

TEST_F(Duckdb, ThePrimaryKeyIsKeptWhileItsIndexFitsInMemory) {
  TablePlan p = plan();
  p.primary_key = {"id"};
  move(p, "r1", {1, 2});
  EXPECT_TRUE(notes_.empty());
  auto session = open();
  EXPECT_EQ(session->describe(p.target)->primary_key, std::vector<std::string>{"id"});
  session.reset();

  // 64 bytes a row do not fit for so many rows into the least that a session may have.
  std::vector<std::int64_t> ids(600'000);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int64_t>(i);
  move(p, "r2", ids, PublishMode::replace, 32LL << 20);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_THAT(notes_[0], HasSubstr("without its primary key"));
  session = open();
  EXPECT_TRUE(session->describe(p.target)->primary_key.empty());
  EXPECT_FALSE(session->describe(p.target)->columns[0].nullable);
}

TEST_F(Duckdb, DuplicatesOfAPrimaryKeyAreNotHidden) {
  TablePlan p = plan();
  p.primary_key = {"id"};
  auto session = open();
  load(*session, p, "r1", {1, 1});
  const Error error =
      error_of([&] { session->publish(who("r1"), p, PublishMode::replace, 1); });
  EXPECT_EQ(error.kind(), ErrorKind::refused) << error.what();
}

TEST_F(Duckdb, AViewIsNoTarget) {
  ask("CREATE VIEW orders AS SELECT 1 AS id");
  auto session = open();
  EXPECT_EQ(error_of([&] { session->describe({"", "main", "Orders"}); }).kind(), ErrorKind::refused);
  EXPECT_EQ(error_of([&] { session->take(who("r1"), plan()); }).kind(), ErrorKind::refused);
}

TEST_F(Duckdb, ADroppedStagingTableIsLoadedAgain) {
  const TablePlan p = plan();
  auto session = open();
  load(*session, p, "r1", {1, 2});
  const auto left = session->leftovers();
  session.reset();
  const Lines staging = ask("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE '!_pulk!_stage%' ESCAPE '!'");
  ASSERT_EQ(staging.size(), 1u);
  EXPECT_THAT(left[0].what, HasSubstr(staging[0] + " (2 rows)"));
  ask("DROP TABLE \"" + staging[0] + "\"");
  session = open();
  EXPECT_EQ(mark_of(session->take(who("r1"), p), "p1").state, MarkState::pending);
}

TEST_F(Duckdb, RowsThatVanishedFromStagingAreNoticed) {
  const TablePlan p = plan();
  auto session = open();
  load(*session, p, "r1", {1, 2});
  session.reset();
  const Lines staging = ask("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE '!_pulk!_stage%' ESCAPE '!'");
  ask("DELETE FROM \"" + staging.at(0) + "\" WHERE id = 1");
  session = open();
  EXPECT_EQ(error_of([&] { session->publish(who("r1"), p, PublishMode::replace, 1); }).kind(),
            ErrorKind::integrity);
}

TEST_F(Duckdb, NamesFollowDuckdb) {
  const auto& w = *target_.warehouse;
  EXPECT_EQ(w.resolve({"Sales", false}, {}, {"Orders", false}), (QualifiedName{"", "main", "Orders"}));
  EXPECT_EQ(w.resolve({}, {"S", false}, {"o p", true}), (QualifiedName{"", "S", "o p"}));
  EXPECT_EQ(error_of([&] { w.resolve({}, {"_PULK", false}, {"mark", false}); }).kind(), ErrorKind::usage);
  // What same_column says must be what DuckDB does.
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{
           {"a", "A"}, {"a", "b"}, {"é", "É"}, {"ß", "SS"}, {"a ", "a"}}) {
    bool same = false;
    try {
      ask_duckdb("", "CREATE TABLE t(\"" + a + "\" INTEGER, \"" + b + "\" INTEGER)");
    } catch (const Error&) {
      same = true;
    }
    EXPECT_EQ(w.same_column(a, b), same) << a << " " << b;
  }
  // Another spelling of the table is the same table.
  move(plan(), "r1", {1});
  TablePlan upper = plan();
  upper.target = {"", "MAIN", "ORDERS"};
  auto session = open();
  EXPECT_TRUE(session->describe(upper.target));
  session->take(who("r2"), plan());
  EXPECT_EQ(error_of([&] { session->take(who("r3"), upper); }).kind(), ErrorKind::retryable);
}

TEST_F(Duckdb, SchemasAreMadeAndAFileMayBeNamedLikeOne) {
  target_.place = folder_ / "sales.duckdb";
  target_.warehouse = make_duckdb_warehouse({target_.place});
  TablePlan p = plan();
  p.target = {"", "sales", "sales"};
  p.columns[1].target_name = "select \"x\" 🐘";
  p.columns[1].load_expression = quote_double(p.columns[1].target_name);
  auto session = open();
  session->take(who("r1"), p);
  const auto table = id_rows({1})->RenameColumns({"id", p.columns[1].target_name});
  session->load(who("r1"), p, *target_.stage("r1", p),
                load_of(p, 1, 1, {write_file(*target_.stage("r1", p), "a.parquet", *table)}));
  EXPECT_EQ(session->publish(who("r1"), p, PublishMode::replace, 1), 1);
  session.reset();
  EXPECT_EQ(ask("SELECT \"select \"\"x\"\" 🐘\" FROM sales.sales.sales"), Lines{"row 1"});
}

TEST_F(Duckdb, PathsWithPatternCharactersMeanThemselves) {
  const TablePlan p = plan();
  auto session = open();
  session->take(who("r1"), p);
  for (const std::string folder : {"sp[o]ol*?", "it's", "back\\slash[", "k=v", "😀 {a,b}"}) {
    target_.spool = folder_ / folder;
    const std::int64_t fence = mark_of(session->take(who("r1"), p), "p1").fence;
    PartitionLoad l = staged(p, "r1", {1, 2, 3});
    l.fence = fence;
    EXPECT_EQ(session->load(who("r1"), p, *target_.stage("r1", p), l).rows, 3) << folder;
    session->reset(who("r1"), p, "p1", fence);
  }
}

TEST_F(Duckdb, AVeryWideRowGetsTheMemoryItNeeds) {
  const TablePlan p = plan();
  const std::int64_t width = 100LL << 20;
  arrow::Int64Builder id;
  arrow::StringBuilder name;
  ASSERT_TRUE(id.Append(1).ok());
  ASSERT_TRUE(name.Append(std::string(static_cast<std::size_t>(width), 'w')).ok());
  const auto table = arrow::Table::Make(arrow_schema(p.columns), {*id.Finish(), *name.Finish()});
  PartitionLoad l = load_of(p, 1, 1, {write_file(*target_.stage("r1", p), "w.parquet", table)});
  l.widest_row = width;
  auto session = open(64LL << 20);
  session->take(who("r1"), p);
  EXPECT_EQ(session->load(who("r1"), p, *target_.stage("r1", p), l).rows, 1);
  EXPECT_EQ(session->publish(who("r1"), p, PublishMode::replace, 1), 1);
  session.reset();
  EXPECT_EQ(ask("SELECT length(name)::VARCHAR FROM orders"), Lines{std::to_string(width)});
}

TEST_F(Duckdb, ALogThatHoldsAVeryWideRowCanBeOpened) {
  // What a process leaves that was killed between the commit of such a row and its checkpoint.
  {
    adbc::Database database(duckdb_library(), "duckdb_adbc_init", {{"path", target_.place}});
    adbc::Connection connection(database);
    connection.execute("PRAGMA disable_checkpoint_on_shutdown");
    connection.execute("SET wal_autocheckpoint = '10GB'");
    connection.execute("CREATE TABLE wide AS SELECT repeat('w', 100 * 1024 * 1024) AS name");
  }
  ASSERT_GT(std::filesystem::file_size(target_.place + ".wal"), 100U << 20);
  open(64LL << 20);
  EXPECT_EQ(ask("SELECT length(name)::VARCHAR FROM wide"), Lines{std::to_string(100 << 20)});
}

TEST_F(Duckdb, WhatAKilledProcessSpilledIsRemoved) {
  const std::string spill = target_.place + ".pulk-tmp";
  std::filesystem::create_directories(spill);
  std::ofstream(spill + "/duckdb_temp_storage-0.tmp") << "old";
  open();
  EXPECT_FALSE(std::filesystem::exists(spill));
}

}  // namespace
}  // namespace pulk::test
