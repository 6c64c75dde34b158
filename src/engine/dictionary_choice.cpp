#include "engine/dictionary_choice.h"

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace pulk {

namespace {

constexpr std::int64_t kSample = 8192;
// Drawn from D values at random, a sample of this share of distinct ones means that D is about the sample's size times
// 1.5: above, the dictionary of a row group of a hundred thousand rows is as large as the values compressed.
constexpr double kMostDistinct = 0.7;

// Counts distinct hashes; never holds more than kSample of them.
class DistinctHashes {
 public:
  void insert(std::uint64_t hash) {
    if (hash == 0) hash = 1;
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & (slots_.size() - 1);
    if (slots_[at] == hash) return;
    slots_[at] = hash;
    ++count_;
  }
  std::int64_t count() const { return count_; }

 private:
  std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(2 * kSample, 0);
  std::int64_t count_ = 0;
};

// The bytes of a value that is not NULL.
class Values {
 public:
  explicit Values(const arrow::Array& array) {
    if (arrow::is_base_binary_like(array.type_id())) {
      binary_ = &static_cast<const arrow::BinaryArray&>(array);
      return;
    }
    width_ = arrow::bit_width(array.type_id()) / 8;
    if (array.type_id() == arrow::Type::FIXED_SIZE_BINARY || arrow::is_decimal(array.type_id()))
      width_ = static_cast<const arrow::FixedSizeBinaryType&>(*array.type()).byte_width();
    data_ = array.data()->buffers[1]->data() + array.offset() * width_;
  }
  std::uint64_t hash(std::int64_t row) const {
    if (binary_ != nullptr) {
      const std::string_view value = binary_->GetView(row);
      return XXH3_64bits(value.data(), value.size());
    }
    return XXH3_64bits(data_ + row * width_, static_cast<std::size_t>(width_));
  }

 private:
  const arrow::BinaryArray* binary_ = nullptr;
  const std::uint8_t* data_ = nullptr;
  std::int64_t width_ = 0;
};

// UUID and JSON are extension types over bytes and text.
const arrow::Array& stored(const arrow::Array& array) {
  return array.type_id() == arrow::Type::EXTENSION ? *static_cast<const arrow::ExtensionArray&>(array).storage()
                                                   : array;
}

}  // namespace

bool worth_a_dictionary(const std::vector<std::shared_ptr<arrow::Array>>& column) {
  // Parquet knows no dictionary of booleans.
  if (column.empty() || column.front()->type_id() == arrow::Type::BOOL) return false;
  std::int64_t rows = 0;
  for (const auto& array : column) rows += array->length();
  const std::int64_t stride = std::max<std::int64_t>(1, rows / kSample);
  DistinctHashes distinct;
  std::int64_t seen = 0, at = 0;  // `at`: the next row of the sample within the array
  for (const auto& whole : column) {
    const arrow::Array& array = stored(*whole);
    const Values values(array);
    for (; at < array.length() && distinct.count() < kSample; at += stride) {
      if (array.IsNull(at)) continue;
      ++seen;
      distinct.insert(values.hash(at));
    }
    at = std::max<std::int64_t>(0, at - array.length());
  }
  return static_cast<double>(distinct.count()) <= kMostDistinct * static_cast<double>(seen);
}

}  // namespace pulk
