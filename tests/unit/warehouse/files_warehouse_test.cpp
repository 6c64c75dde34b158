// What is the folder target's own: its layout, its manifest, the swap of `current`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/sqlite_db.h"
#include "unit/warehouse/support.h"

namespace pulk::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Files : public testing::Test {
 protected:
  Files() : target_(make_target("files", folder_.path())) {}

  TablePlan plan() { return plan_of(*target_.warehouse, {"", "s", "t"}, 1); }
  RunIdentity who(const std::string& run) { return {run, "test"}; }
  StagedFile write(const std::string& run, const std::string& name, const std::vector<std::int64_t>& ids) {
    return write_file(*target_.stage(run, plan()), name, id_rows(ids));
  }
  void load(WarehouseSession& session, const std::string& run, const std::vector<std::int64_t>& ids) {
    session.take(who(run), plan());
    session.load(who(run), plan(), *target_.stage(run, plan()),
                 load_of(plan(), 1, 1, {write(run, "p00001-a1-001.parquet", ids)}));
  }
  void move(const std::string& run, const std::vector<std::int64_t>& ids, PublishMode mode = PublishMode::replace) {
    auto session = target_.open();
    load(*session, run, ids);
    session->publish(who(run), plan(), mode, 1);
    session->clean(who(run), plan().target, false);
  }
  nlohmann::json manifest() { return nlohmann::json::parse(std::ifstream(table_ + "/current/manifest.json")); }
  std::vector<std::string> versions() { return files::versions(table_); }

  TempFolder folder_;
  Target target_;
  std::string table_ = folder_ / "out/s/t";
};

TEST_F(Files, Layout) {
  move("r1", {1, 2});
  EXPECT_EQ(fs::read_symlink(table_ + "/current"), "v-r1");
  EXPECT_TRUE(fs::exists(table_ + "/v-r1/p00001-a1-001.parquet"));
  const auto m = manifest();
  EXPECT_EQ(m["schema"], "s");
  EXPECT_EQ(m["table"], "t");
  EXPECT_EQ(m["run"], "r1");
  EXPECT_EQ(m["snapshot"], "snap");
  EXPECT_EQ(m["rows"], 2);
  EXPECT_EQ(m["columns"][0], (nlohmann::json{{"name", "id"}, {"type", "BIGINT"}, {"nullable", false}}));
  EXPECT_EQ(m["files"][0]["name"], "p00001-a1-001.parquet");
  EXPECT_EQ(m["files"][0]["rows"], 2);
  EXPECT_EQ(m["files"][0]["bytes"], fs::file_size(table_ + "/v-r1/p00001-a1-001.parquet"));
  EXPECT_EQ(m["files"][0]["xxh3_128"].get<std::string>().size(), 32u);
}

TEST_F(Files, OldVersionsGoAndUnlistedFilesGo) {
  move("r1", {1});
  auto session = target_.open();
  load(*session, "r2", {2});
  // A load whose transaction did not come to its end.
  fs::copy_file(table_ + "/v-r1/p00001-a1-001.parquet", table_ + "/v-r2/p00001-a0-001.parquet");
  EXPECT_EQ(target_.ids(plan().target), std::vector<std::int64_t>{1});
  session->publish(who("r2"), plan(), PublishMode::replace, 1);
  EXPECT_THAT(versions(), ElementsAre("v-r2"));
  EXPECT_EQ(target_.ids(plan().target), std::vector<std::int64_t>{2});
  EXPECT_FALSE(fs::exists(table_ + "/v-r2/p00001-a0-001.parquet"));
}

TEST_F(Files, AppendLinksTheFilesOfEarlierVersionsIntoAFolderOfTheirOwn) {
  move("r1", {1});
  const auto inode = [](const std::string& path) {
    struct stat info {};
    ::stat(path.c_str(), &info);
    return info.st_ino;
  };
  const auto first = inode(table_ + "/v-r1/p00001-a1-001.parquet");
  move("r2", {2}, PublishMode::append);
  move("r3", {3}, PublishMode::append);
  EXPECT_THAT(versions(), ElementsAre("v-r3"));
  EXPECT_EQ(manifest()["rows"], 3);
  EXPECT_EQ(inode(table_ + "/current/earlier/r1-p00001-a1-001.parquet"), first);
  EXPECT_FALSE(fs::exists(table_ + "/current/r1-p00001-a1-001.parquet"));
  EXPECT_EQ(target_.ids(plan().target), (std::vector<std::int64_t>{1, 2, 3}));
}

TEST_F(Files, WhatWaitsOnTheStageIsNotWhereReadersLook) {
  auto session = target_.open();
  session->take(who("r1"), plan());
  const StagedFile file = write("r1", "p00001-f1a1-001.parquet", {1});
  EXPECT_FALSE(fs::exists(table_));
  // Another process takes the partition: the load of the first one puts nothing there.
  session->take(who("r1"), plan());
  EXPECT_TRUE(error_of([&] {
                session->load(who("r1"), plan(), *target_.stage("r1", plan()), load_of(plan(), 1, 1, {file}));
              }).is_final());
  EXPECT_FALSE(fs::exists(table_));
}

TEST_F(Files, ATruncatedFileIsFoundBeforeItIsLoaded) {
  auto session = target_.open();
  session->take(who("r1"), plan());
  StagedFile file = write("r1", "p00001-a1-001.parquet", {1, 2, 3});
  const std::string path = target_.stage("r1", plan())->location() + "/p00001-a1-001.parquet";
  fs::resize_file(path, static_cast<std::uintmax_t>(file.bytes) - 8);
  file.bytes -= 8;
  EXPECT_EQ(error_of([&] {
              session->load(who("r1"), plan(), *target_.stage("r1", plan()), load_of(plan(), 1, 1, {file}));
            }).kind(),
            ErrorKind::integrity);
}

TEST_F(Files, AFooterThatSaysAnotherCountIsFound) {
  auto session = target_.open();
  session->take(who("r1"), plan());
  StagedFile three = write("r1", "p00001-a1-001.parquet", {1, 2, 3});
  StagedFile two = write("r1", "p00001-a1-002.parquet", {4, 5});
  std::swap(three.rows, two.rows);  // the sum is right
  EXPECT_EQ(error_of([&] {
              session->load(who("r1"), plan(), *target_.stage("r1", plan()), load_of(plan(), 1, 1, {three, two}));
            }).kind(),
            ErrorKind::integrity);
}

TEST_F(Files, AFileThatIsGoneAtPublishIsFound) {
  move("r1", {1});
  auto session = target_.open();
  load(*session, "r2", {2});
  fs::remove(table_ + "/v-r2/p00001-a1-001.parquet");
  EXPECT_EQ(error_of([&] {
              session->publish(who("r2"), plan(), PublishMode::replace, 1);
            }).kind(),
            ErrorKind::integrity);
  EXPECT_EQ(target_.ids(plan().target), std::vector<std::int64_t>{1});
  EXPECT_EQ(mark_of(session->take(who("r2"), plan()), "").state, MarkState::pending);
}

TEST_F(Files, CleaningAnAbandonedRunRemovesItsFilesOnly) {
  move("r1", {1});
  auto session = target_.open();
  load(*session, "r2", {2});
  EXPECT_THAT(versions(), ElementsAre("v-r1", "v-r2"));
  session->clean(who("r2"), plan().target, false);
  EXPECT_THAT(versions(), ElementsAre("v-r1"));
  session->clean(who("r1"), plan().target, true);
  EXPECT_THAT(versions(), ElementsAre("v-r1"));
  EXPECT_EQ(target_.ids(plan().target), std::vector<std::int64_t>{1});
}

TEST_F(Files, WhileAnotherWritesThereIsAnErrorAfterTheDeadline) {
  auto session = target_.open();
  SqliteDb other(files::marks_path(target_.place), false, std::chrono::milliseconds(0));
  {
    const SqliteTransaction lock(other);
    const Error error = error_of([&] { session->take(who("r1"), plan()); });
    EXPECT_EQ(error.kind(), ErrorKind::retryable);
    EXPECT_THAT(error.message(), HasSubstr("locked"));
  }
  session->take(who("r1"), plan());
}

TEST_F(Files, SwappingWaitsForTheLock) {
  // A process that was stopped in the middle of its publish and woken later finds its fence gone before it swaps.
  move("r1", {1});
  auto session = target_.open();
  load(*session, "r2", {2});
  SqliteDb other(files::marks_path(target_.place), false, std::chrono::milliseconds(0));
  std::optional<SqliteTransaction> lock(std::in_place, other);
  std::thread taker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    other.execute("UPDATE mark SET fence = fence + 1 WHERE run = 'r2'");
    lock->commit();
    lock.reset();
  });
  EXPECT_EQ(error_of([&] {
              session->publish(who("r2"), plan(), PublishMode::replace, 1);
            }).kind(),
            ErrorKind::retryable);
  taker.join();
  EXPECT_EQ(fs::read_symlink(table_ + "/current"), "v-r1");
}

TEST_F(Files, NamesOfFolders) {
  const std::vector<std::string> names = {"a", "A", "a.b", "a/b", ".", "..", ".pulk", "a%2Eb", "a b", "é", "",
                                          std::string("a\0b", 3), std::string(300, 'x'), std::string(301, 'x'),
                                          std::string(255, '/')};
  std::set<std::string> folders;
  for (const std::string& name : names) {
    const std::string folder = files::folder_name(name);
    EXPECT_EQ(folder.find_first_of(std::string_view("/.\0", 3)), std::string::npos) << folder;
    EXPECT_LE(folder.size(), 255u);
    EXPECT_TRUE(folders.insert(folder).second) << folder;
  }
  EXPECT_EQ(files::folder_name("Orders 2024"), "Orders 2024");
  EXPECT_EQ(files::folder_name(".a/b"), "%2Ea%2Fb");
}

TEST_F(Files, TellsColumnsApartByCase) {
  EXPECT_FALSE(target_.warehouse->same_column("a", "A"));
  EXPECT_TRUE(target_.warehouse->same_column("a", "a"));
  EXPECT_EQ(target_.warehouse->resolve({}, {"S", false}, {"T.x", true}), (QualifiedName{"", "S", "T.x"}));
}

}  // namespace
}  // namespace pulk::test
