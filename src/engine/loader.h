// The threads that touch the warehouse, as many as it allows sessions; one for embedded targets. Work is queued; a
// thread opens a session when there is some and no open one is free, and sessions are closed when nothing is left to do
// for as long as the warehouse has patience, so that an embedded target's readers get in between.
//
// Threads: submit() and run() from any; work and on_error run on a thread of the loader's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.h"
#include "warehouse/warehouse.h"

namespace pulk {

class CancelToken;

class Loader {
 public:
  using Work = std::function<void(WarehouseSession&)>;
  using OnError = std::function<void(const Error&)>;
  // Work on one table begins in the order in which it was submitted. What is done `alone` begins when everything before
  // it has ended, and what follows waits for it: taking the table moves all of its fences.
  enum class Manner { beside, alone };

  Loader(Warehouse& warehouse, std::int64_t memory, std::chrono::milliseconds lock_wait, CancelToken& cancel);
  ~Loader();  // ends after the work in hand; what is still queued gets its on_error

  // `table` tells tables apart and is not looked into. When `work` throws, the session is thrown away before `on_error`
  // is called.
  void submit(const void* table, Manner manner, Work work, OnError on_error);
  // Submits, to be done alone, and waits; throws what `work` threw. Not to be called on a thread of the loader's.
  void run(const void* table, Work work);

 private:
  using Clock = std::chrono::steady_clock;
  using Session = std::unique_ptr<WarehouseSession>;
  struct Item {
    const void* table;
    Manner manner;
    Work work;
    OnError on_error;
  };
  struct Running {
    int beside = 0;
    bool alone = false;
  };
  void main();
  void process(Item& item);
  // These are called with the mutex.
  std::optional<Item> next();
  bool may_begin(const Item& item) const;
  void ended(const Item& item);

  Warehouse& warehouse_;
  std::int64_t memory_;
  std::chrono::milliseconds lock_wait_;
  CancelToken& cancel_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  std::map<const void*, Running> running_;
  std::vector<Session> idle_;
  Clock::time_point last_used_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

// Any exception as an Error: out of memory is retryable, everything unknown is internal.
Error as_error(const std::exception_ptr& exception);

}  // namespace pulk
