#include "source/odbc/lane_pool.h"

#include <chrono>
#include <utility>

#include "base/error.h"

namespace pulk::odbc {
namespace {

constexpr std::chrono::seconds kLaneWait{30};

}  // namespace

void LanePool::add(ConnectionPtr connection) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));
}

ConnectionPtr LanePool::take(const Connection& catalog, const std::function<ConnectionPtr()>& otherwise) {
  std::unique_lock lock(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + kLaneWait;
  while (idle_.empty()) {
    if (otherwise) {
      if (ConnectionPtr other = otherwise()) return other;
    }
    catalog.check_cancelled();
    if (lost_) throw Error(ErrorKind::retryable, "a connection of the snapshot was lost", catalog.subject());
    if (std::chrono::steady_clock::now() >= deadline)
      throw Error(ErrorKind::retryable, "no connection of the snapshot became free", catalog.subject());
    // Short waits: a cancelled run tells this condition nothing.
    returned_.wait_for(lock, std::chrono::milliseconds(100));
  }
  ConnectionPtr connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

std::function<void(ConnectionPtr)> LanePool::give_back() {
  return [pool = shared_from_this()](ConnectionPtr back) {
    {
      const std::lock_guard lock(pool->mutex_);
      pool->lost_ = pool->lost_ || back->lost();
      if (!pool->closed_ && !back->lost()) pool->idle_.push_back(std::move(back));
    }
    pool->returned_.notify_all();
  };
}

bool LanePool::lost() {
  const std::lock_guard lock(mutex_);
  return lost_;
}

void LanePool::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  idle_.clear();
}

}  // namespace pulk::odbc
