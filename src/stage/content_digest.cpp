#include "stage/content_digest.h"

#include <xxhash.h>

#include <new>

#include "base/strings.h"

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
  return pulk::hex({reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest});
}

}  // namespace pulk
