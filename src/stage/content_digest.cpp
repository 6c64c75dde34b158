#include "stage/content_digest.h"

#include <xxhash.h>

#include <new>

namespace pulk {

ContentDigest::ContentDigest() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state_);
}

ContentDigest::~ContentDigest() { XXH3_freeState(state_); }

void ContentDigest::add(const char* data, std::size_t size) { XXH3_128bits_update(state_, data, size); }

std::string ContentDigest::hex() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_));
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : canonical.digest) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

}  // namespace pulk
