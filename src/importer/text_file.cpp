#include "importer/text_file.h"

#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/result.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace pulk {
namespace {

constexpr std::size_t kChunk = 1U << 20U;
constexpr std::string_view kGzip = "\x1f\x8b", kZstd = "\x28\xb5\x2f\xfd", kMark = "\xef\xbb\xbf";

template <typename Result>
auto value(Result result, const std::string& path) {
  if (!result.ok()) throw Error(ErrorKind::usage, "cannot be read: " + result.status().message(), path);
  return std::move(*result);
}

}  // namespace

TextInput::TextInput(const std::string& path) : path_(path) {
  auto file = value(arrow::io::ReadableFile::Open(path), path);
  std::string first(4, '\0');
  first.resize(static_cast<std::size_t>(value(file->Read(4, first.data()), path)));
  if (!file->Seek(0).ok()) throw Error(ErrorKind::usage, "is not a file that can be read twice", path);
  stream_ = file;
  if (first.starts_with(kGzip) || first.starts_with(kZstd)) {
    codec_ = value(
        arrow::util::Codec::Create(first.starts_with(kGzip) ? arrow::Compression::GZIP : arrow::Compression::ZSTD),
        path);
    stream_ = value(arrow::io::CompressedInputStream::Make(codec_.get(), file), path);
  }
  while (size() < kMark.size() && more()) continue;
  if (std::string_view(data(), size()).starts_with(kMark)) use_up(kMark.size());
}

TextInput::~TextInput() = default;

bool TextInput::more() {
  if (from_ > 0) std::memmove(buffer_.data(), buffer_.data() + from_, size());
  to_ -= from_;
  from_ = 0;
  if (to_ > kLongestRow)
    throw Error(ErrorKind::refused, "a row has more than 128 MiB; is there a quote that is not closed?", path_);
  if (buffer_.size() < to_ + kChunk) buffer_.resize(std::max(to_ + kChunk, 2 * to_));
  const auto read = value(stream_->Read(static_cast<std::int64_t>(buffer_.size() - to_), buffer_.data() + to_), path_);
  to_ += static_cast<std::size_t>(read);
  return read > 0;
}

}  // namespace pulk
