#include "stage/local/local_stage.h"

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "base/error.h"
#include "base/strings.h"
#include "stage/local/local_file.h"

namespace pulk {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class LocalStageTest : public testing::Test {
 protected:
  LocalStageTest() {
    std::string pattern = (fs::temp_directory_path() / "pulk-test-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    stage_ = make_local_stage(folder_ + "/new/stage/");
  }
  ~LocalStageTest() override { fs::remove_all(folder_); }

  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  static void write(OutputFile& file, std::string_view bytes) {
    ASSERT_TRUE(file.stream()->Write(bytes.data(), static_cast<std::int64_t>(bytes.size())).ok());
  }

  std::string folder_;
  std::unique_ptr<Stage> stage_;
};

TEST_F(LocalStageTest, ContentSizeAndDigestWhateverTheSizesOfWrites) {
  std::mt19937_64 random(1);
  for (const std::size_t largest :
       {1u, 1000u, 100'000u, 131'071u, 131'072u, 131'073u, 262'144u, 262'145u, 3'000'000u}) {
    std::string all;
    auto file = stage_->create("a.parquet");
    for (int i = 0; i < 20; ++i) {
      std::string piece(random() % largest + (largest > 1 ? 0 : 1), static_cast<char>('a' + i));
      write(*file, piece);
      all += piece;
      ASSERT_EQ(*file->stream()->Tell(), static_cast<std::int64_t>(all.size()));
    }
    const StagedFile staged = file->finish();
    EXPECT_EQ(staged.name, "a.parquet");
    EXPECT_EQ(staged.bytes, static_cast<std::int64_t>(all.size()));
    EXPECT_EQ(staged.digest, xxh128_hex(all));
    EXPECT_EQ(read(stage_->location() + "/a.parquet"), all) << largest;
  }
}

TEST_F(LocalStageTest, ANameMeansAWholeFile) {
  EXPECT_TRUE(stage_->list().empty());
  auto file = stage_->create("b.parquet");
  write(*file, "half");
  EXPECT_THAT(stage_->list(), ElementsAre("b.parquet.partial"));
  EXPECT_FALSE(fs::exists(stage_->location() + "/b.parquet"));
  ASSERT_TRUE(file->stream()->Close().ok());  // a Parquet writer may close its sink
  EXPECT_FALSE(fs::exists(stage_->location() + "/b.parquet"));
  file->finish();
  file.reset();
  EXPECT_THAT(stage_->list(), ElementsAre("b.parquet"));
  stage_->create("a.parquet")->finish();
  EXPECT_THAT(stage_->list(), ElementsAre("a.parquet", "b.parquet"));
}

TEST_F(LocalStageTest, WithoutFinishNothingStays) {
  auto file = stage_->create("a.parquet");
  write(*file, std::string(1'000'000, 'x'));
  file.reset();
  EXPECT_TRUE(fs::is_empty(stage_->location()));
}

TEST_F(LocalStageTest, OnlyTheOwnerMayRead) {
  stage_->create("a.parquet")->finish();
  struct stat info {};
  ASSERT_EQ(::stat((stage_->location() + "/a.parquet").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  ASSERT_EQ(::stat(stage_->location().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0700u);
}

TEST_F(LocalStageTest, RemovingWhatIsNotThereIsFine) {
  stage_->remove("a.parquet");
  stage_->create("a.parquet")->finish();
  stage_->remove("a.parquet");
  stage_->remove("a.parquet");
  EXPECT_TRUE(stage_->list().empty());
}

TEST_F(LocalStageTest, NamesDoNotLeadOutOfTheFolder) {
  for (const char* name : {"", "../x", "a/b", ".hidden", "/etc/x"}) {
    EXPECT_THROW(stage_->create(name), Error);
    EXPECT_THROW(stage_->remove(name), Error);
  }
}

TEST_F(LocalStageTest, AFullDiskIsRetryableAndTellsTheRoom) {
  try {
    throw_file_error(ENOSPC, "write", folder_ + "/a.parquet");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::retryable);
    EXPECT_THAT(error.message(), HasSubstr(folder_));
    EXPECT_THAT(error.message(), HasSubstr("free"));
  }
}

TEST_F(LocalStageTest, AFailedWriteIsAnErrorAndLeavesNothing) {
  // The nearest thing to a full disk that any machine can make: no file may grow beyond a megabyte.
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit old_limit {};
  ::getrlimit(RLIMIT_FSIZE, &old_limit);
  struct rlimit limit = old_limit;
  limit.rlim_cur = 1 << 20;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  auto file = stage_->create("a.parquet");
  bool thrown = false;
  try {
    for (int i = 0; i < 30; ++i) (void)file->stream()->Write(std::string(100'000, 'x'));
  } catch (const Error& error) {
    thrown = true;
    EXPECT_EQ(error.kind(), ErrorKind::retryable);
    EXPECT_THAT(error.subject(), HasSubstr("a.parquet"));
  }
  ::setrlimit(RLIMIT_FSIZE, &old_limit);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_TRUE(thrown);
  file.reset();
  EXPECT_TRUE(fs::is_empty(stage_->location()));
}

TEST_F(LocalStageTest, AFolderThatCannotBeMadeIsTheUsersMistake) {
  std::ofstream(folder_ + "/file") << "x";
  try {
    make_local_stage(folder_ + "/file/stage")->create("a.parquet");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
  }
}

}  // namespace
}  // namespace pulk
