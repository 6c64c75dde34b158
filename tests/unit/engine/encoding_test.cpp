#include "engine/encoding.h"

#include <gtest/gtest.h>

#include <vector>

namespace pulk {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

TEST(FileLimit, AllFilesAreAlikeUnlessTheFirstOnesAreToBeSmall) {
  EncodeOptions options;
  options.file_bytes = 128 * kMiB;
  EXPECT_EQ(file_limit(options, 1), 128 * kMiB);
  EXPECT_EQ(file_limit(options, 1000), 128 * kMiB);
}

TEST(FileLimit, EightOfEachSizeUpToTheLimit) {
  EncodeOptions options;
  options.file_bytes = 32 * kMiB;
  options.first_file_bytes = 8 * kMiB;
  std::vector<std::int64_t> limits;
  for (const std::size_t n : {1, 8, 9, 16, 17, 24, 25, 100'000}) limits.push_back(file_limit(options, n) / kMiB);
  EXPECT_EQ(limits, (std::vector<std::int64_t>{8, 8, 16, 16, 32, 32, 32, 32}));
  options.file_bytes = kMiB;  // what a person asked for is the most
  EXPECT_EQ(file_limit(options, 1), kMiB);
}

}  // namespace
}  // namespace pulk
