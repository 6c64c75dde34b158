// A password that may be rotated while the process runs: a login that is refused is tried once more with what the
// secret's origin gives then. Thread-safe.
#pragma once

#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/secret.h"

namespace pulk {

class LoginSecret {
 public:
  explicit LoginSecret(Secret secret) : secret_(std::move(secret)) {}

  // What `log_in(const Secret&)` gives. It throws Error(refused) when the server refuses the login.
  template <typename LogIn>
  auto log_in(const LogIn& log_in) {
    const Secret secret = now();
    try {
      return log_in(secret);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::refused) throw;
      const std::optional<Secret> other = newer_than(secret);
      if (!other) throw;
      return log_in(*other);
    }
  }

 private:
  Secret now() const;
  // Asks the origin; nothing when it gives the same.
  std::optional<Secret> newer_than(const Secret& refused);

  mutable std::mutex mutex_;
  Secret secret_;
};

}  // namespace pulk
