#include "base/secret.h"

#include <string.h>

#include <utility>

namespace pulk {

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    value_ = other.value_;
    origin_ = other.origin_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    value_ = std::move(other.value_);
    origin_ = std::move(other.origin_);
    other.wipe();
  }
  return *this;
}

Secret Secret::newest() const {
  if (origin_ == nullptr) return *this;
  Secret found((*origin_)());
  found.origin_ = origin_;
  return found;
}

void Secret::wipe() {
  // explicit_bzero, because a plain memset before destruction may be optimised away.
  if (!value_.empty()) explicit_bzero(value_.data(), value_.size());
  value_.clear();
}

}  // namespace pulk
