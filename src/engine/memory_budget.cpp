#include "engine/memory_budget.h"

#include <algorithm>
#include <chrono>

#include "base/cancel.h"

namespace pulk {

MemoryBudget::Reservation& MemoryBudget::Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    release();
    budget_ = other.budget_;
    bytes_ = other.bytes_;
    other.budget_ = nullptr;
  }
  return *this;
}

void MemoryBudget::Reservation::release() {
  if (budget_ == nullptr) return;
  {
    std::lock_guard lock(budget_->mutex_);
    budget_->free_ += bytes_;
  }
  budget_->freed_.notify_all();
  budget_ = nullptr;
}

MemoryBudget::Reservation MemoryBudget::reserve(std::int64_t bytes, CancelToken& cancel) {
  bytes = std::min(bytes, total_);
  std::unique_lock lock(mutex_);
  while (free_ < bytes) {
    cancel.check();
    freed_.wait_for(lock, std::chrono::milliseconds(200));
  }
  free_ -= bytes;
  return {this, bytes};
}

}  // namespace pulk
