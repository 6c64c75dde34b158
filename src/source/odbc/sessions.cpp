#include "source/odbc/sessions.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"

namespace pulk::odbc {

Sessions::Sessions(OdbcConnection settings, const Quirks& quirks, int max_connections, CancelToken* cancel)
    : settings_(std::move(settings)), quirks_(quirks), cancel_(cancel), free_(std::max(1, max_connections)) {}

std::shared_ptr<Connection> Sessions::open() {
  {
    std::unique_lock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(settings_.connect_timeout);
    while (free_ == 0) {
      if (cancel_ != nullptr) cancel_->check();
      if (std::chrono::steady_clock::now() >= deadline) {
        throw Error(ErrorKind::retryable, "all connections that the run may open are in use", settings_.database);
      }
      // Short waits: a cancelled run tells this condition nothing.
      freed_.wait_for(lock, std::chrono::milliseconds(100));
    }
    --free_;
  }
  return counted();
}

std::shared_ptr<Connection> Sessions::open_if_free() {
  {
    const std::lock_guard lock(mutex_);
    if (free_ == 0) return nullptr;
    --free_;
  }
  return counted();
}

std::shared_ptr<Connection> Sessions::counted() {
  try {
    const auto self = shared_from_this();
    return {connect().release(), [self](Connection* connection) {
              delete connection;
              self->give_back();
            }};
  } catch (...) {
    give_back();
    throw;
  }
}

void Sessions::give_back() {
  {
    const std::lock_guard lock(mutex_);
    ++free_;
  }
  freed_.notify_one();
}

}  // namespace pulk::odbc
