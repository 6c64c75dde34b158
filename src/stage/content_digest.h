// The digest of a staged file (StagedFile::digest), computed while it is written. Belongs to one thread.
#pragma once

#include <cstddef>
#include <string>

struct XXH3_state_s;

namespace pulk {

class ContentDigest {
 public:
  ContentDigest();
  ~ContentDigest();
  ContentDigest(const ContentDigest&) = delete;
  ContentDigest& operator=(const ContentDigest&) = delete;

  void add(const char* data, std::size_t size);
  std::string hex() const;  // XXH3-128, canonical

 private:
  XXH3_state_s* state_;
};

}  // namespace pulk
