// The stage's stream gathers small writes and passes large ones through: the bytes must come out in their order for
// every mixture of sizes.
#include <arrow/io/interfaces.h>
#include <arrow/status.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/strings.h"
#include "stage/local/local_stage.h"

namespace pulk {
namespace {

TEST(LocalFileOrder, AnyMixtureOfSizesKeepsTheBytes) {
  char pattern[] = "/tmp/pulk-order-XXXXXX";
  const std::string folder = ::mkdtemp(pattern);
  const auto stage = make_local_stage(folder);
  std::mt19937 random(7);
  const std::size_t sizes[] = {0, 1, 10'000, 100'000, 130'000, 131'072, 200'000, 262'143, 262'144, 300'000};
  std::string expected;
  const auto file = stage->create("a.bin");
  for (int i = 0; i < 300; ++i) {
    std::string piece(sizes[random() % std::size(sizes)], '\0');
    for (char& c : piece) c = static_cast<char>(random());
    ASSERT_TRUE(file->stream()->Write(piece.data(), static_cast<std::int64_t>(piece.size())).ok());
    expected += piece;
  }
  const StagedFile staged = file->finish();
  std::ifstream in(folder + "/a.bin", std::ios::binary);
  const std::string found((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(found.size(), expected.size());
  EXPECT_TRUE(found == expected);
  EXPECT_EQ(staged.bytes, static_cast<std::int64_t>(expected.size()));
  EXPECT_EQ(staged.digest, xxh128_hex(expected));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace pulk
