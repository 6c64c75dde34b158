#include "engine/encoding.h"

#include <arrow/util/compression.h>

#include <algorithm>

#include "base/error.h"

namespace pulk {

namespace {
constexpr std::int64_t kConnectionBytes = 4 << 20;
constexpr std::int64_t kSmallestBatch = 256 << 10;
constexpr std::int64_t kSmallestRowGroup = 2 << 20;
// Arrow's description of one column of one batch, and Parquet's of one column of one row group; measured with 1,600.
constexpr std::int64_t kArrayBytes = 768;
constexpr std::int64_t kChunkBytes = 1536;
// A file of the default size has about this many row groups.
constexpr std::int64_t kUsualRowGroups = 64;
}  // namespace

void check_codec(const EncodeOptions& options) {
  const auto type = arrow::util::Codec::GetCompressionType(options.codec == "none" ? "uncompressed" : options.codec);
  if (!type.ok() || !arrow::util::Codec::IsAvailable(*type))
    throw Error(ErrorKind::usage, "unknown codec " + options.codec, "--codec", "one of zstd, snappy, lz4, gzip, none");
  if (options.codec == "zstd" && (options.level < -7 || options.level > 22))
    throw Error(ErrorKind::usage, "zstd has the levels -7 to 22", "--compression-level");
}

std::int64_t file_limit(const EncodeOptions& options, std::size_t n) {
  if (options.first_file_bytes == 0) return options.file_bytes;
  const std::size_t doublings = std::min<std::size_t>((n - 1) / 8, 20);
  return std::min(options.file_bytes, options.first_file_bytes << doublings);
}

std::int64_t lane_cost(const EncodeOptions& options, int columns) {
  const std::int64_t batches = options.row_group_bytes / options.batch_bytes + 1;
  const std::int64_t one_column =
      std::min(options.row_group_bytes, 2 * (options.page_bytes + options.dictionary_bytes));
  return 2 * (options.row_group_bytes + options.row_group_bytes / 8 + columns * batches * kArrayBytes) +
         3 * options.batch_bytes + one_column + std::min(columns * kUsualRowGroups, kMostColumnChunks) * kChunkBytes +
         kConnectionBytes + options.open_file_bytes;
}

EncodeOptions fit_to_budget(EncodeOptions options, int columns, std::int64_t budget) {
  options.batch_bytes = std::min(options.batch_bytes, options.row_group_bytes);
  while (lane_cost(options, columns) > budget) {
    if (options.row_group_bytes > kSmallestRowGroup)
      options.row_group_bytes /= 2;
    else if (options.batch_bytes > kSmallestBatch)
      options.batch_bytes /= 2;
    else
      break;
    options.batch_bytes = std::min(options.batch_bytes, options.row_group_bytes / 4);
  }
  return options;
}

}  // namespace pulk
