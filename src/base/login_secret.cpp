#include "base/login_secret.h"

#include "base/log.h"

namespace pulk {

Secret LoginSecret::now() const {
  const std::lock_guard lock(mutex_);
  return secret_;
}

std::optional<Secret> LoginSecret::newer_than(const Secret& refused) {
  const std::lock_guard lock(mutex_);
  // Another thread may have asked meanwhile.
  if (secret_.reveal() == refused.reveal()) {
    Secret newest = secret_.newest();
    if (newest.reveal() == refused.reveal()) return std::nullopt;
    log_info("the login was refused; trying the secret that is stored now");
    secret_ = std::move(newest);
  }
  return secret_;
}

}  // namespace pulk
