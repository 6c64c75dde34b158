// Lets one wide row (kWideRow) through the process at a time: a lane holds it from the arrival of such a row until it is
// encoded, the loader while it loads a file that has one. Thread-safe.
#pragma once

#include <chrono>
#include <mutex>

#include "base/cancel.h"

namespace pulk {

class WideGate {
 public:
  using Pass = std::unique_lock<std::timed_mutex>;

  // Waits its turn; throws when cancelled.
  Pass enter(const CancelToken& cancel) {
    Pass pass(mutex_, std::defer_lock);
    while (!pass.try_lock_for(std::chrono::milliseconds(200))) cancel.check();
    return pass;
  }

 private:
  std::timed_mutex mutex_;
};

}  // namespace pulk
