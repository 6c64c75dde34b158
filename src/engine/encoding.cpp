#include "engine/encoding.h"

#include <arrow/util/compression.h>

#include <algorithm>

#include "base/error.h"

namespace pulk {

namespace {
constexpr std::int64_t kConnectionBytes = 4 << 20;
constexpr std::int64_t kSmallestPage = 8 << 10;
constexpr std::int64_t kSmallestDictionary = 16 << 10;
constexpr std::int64_t kSmallestRowGroup = 2 << 20;
}  // namespace

void check_codec(const EncodeOptions& options) {
  const auto type = arrow::util::Codec::GetCompressionType(options.codec == "none" ? "uncompressed" : options.codec);
  if (!type.ok() || !arrow::util::Codec::IsAvailable(*type))
    throw Error(ErrorKind::usage, "unknown codec " + options.codec, "--codec",
                "one of zstd, snappy, lz4, gzip, none");
  if (options.codec == "zstd" && (options.level < -7 || options.level > 22))
    throw Error(ErrorKind::usage, "zstd has the levels -7 to 22", "--compression-level");
}

std::int64_t lane_cost(const EncodeOptions& options, int columns) {
  return options.row_group_bytes + columns * (options.page_bytes + options.dictionary_bytes) +
         3 * options.batch_bytes + kConnectionBytes;
}

EncodeOptions fit_to_budget(EncodeOptions options, int columns, std::int64_t budget) {
  while (lane_cost(options, columns) > budget) {
    if (options.dictionary_bytes > kSmallestDictionary) options.dictionary_bytes /= 2;
    else if (options.page_bytes > kSmallestPage) options.page_bytes /= 2;
    else if (options.row_group_bytes > kSmallestRowGroup) options.row_group_bytes /= 2;
    else break;
    options.page_bytes = std::min(options.page_bytes, options.dictionary_bytes);
  }
  return options;
}

}  // namespace pulk
