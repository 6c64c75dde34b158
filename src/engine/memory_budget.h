// Admission control (I3): one budget of bytes; whoever starts work reserves its whole worst case first, or waits.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace pulk {

class CancelToken;

class MemoryBudget {
 public:
  explicit MemoryBudget(std::int64_t bytes) : free_(bytes), total_(bytes) {}

  class Reservation {
   public:
    Reservation() = default;
    Reservation(MemoryBudget* budget, std::int64_t bytes) : budget_(budget), bytes_(bytes) {}
    Reservation(Reservation&& other) noexcept : budget_(other.budget_), bytes_(other.bytes_) { other.budget_ = nullptr; }
    Reservation& operator=(Reservation&& other) noexcept;
    ~Reservation() { release(); }
    void release();

   private:
    MemoryBudget* budget_ = nullptr;
    std::int64_t bytes_ = 0;
  };

  // Waits until the bytes are free; a request above the total waits for the whole budget, so that it can run alone.
  // Throws when the token is cancelled.
  Reservation reserve(std::int64_t bytes, CancelToken& cancel);
  std::int64_t total() const { return total_; }

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::int64_t free_;
  std::int64_t total_;
};

}  // namespace pulk
