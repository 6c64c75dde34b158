// The bytes of a text file from its beginning to its end, decompressed, without a byte order mark. Belongs to one
// thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace arrow {
namespace io {
class InputStream;
}
namespace util {
class Codec;
}
}  // namespace arrow

namespace pulk {

// A row must fit.
inline constexpr std::size_t kLongestRow = 128U << 20U;

class TextInput {
 public:
  // Throws Error(usage).
  explicit TextInput(const std::string& path);
  ~TextInput();

  // What was read and is not yet used up.
  const char* data() const { return buffer_.data() + from_; }
  char* data() { return buffer_.data() + from_; }
  std::size_t size() const { return to_ - from_; }
  // Reads on; false at the end. Moves data(). Throws Error(refused) when more than kLongestRow is not used up.
  bool more();
  void use_up(std::size_t bytes) { from_ += bytes; }

 private:
  const std::string path_;
  std::unique_ptr<arrow::util::Codec> codec_;
  std::shared_ptr<arrow::io::InputStream> stream_;
  std::string buffer_;
  std::size_t from_ = 0, to_ = 0;
};

}  // namespace pulk
