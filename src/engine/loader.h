// The one thread that touches the warehouse. Work is queued; the thread opens a session when there is some, does all of
// it, and closes the session when the queue is empty, so that an embedded target's readers get in between.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "warehouse/warehouse.h"

namespace pulk {

class CancelToken;

class Loader {
 public:
  using Work = std::function<void(WarehouseSession&)>;
  using OnError = std::function<void(const Error&)>;

  Loader(Warehouse& warehouse, std::int64_t memory, std::chrono::milliseconds lock_wait, CancelToken& cancel);
  ~Loader();  // ends after the work in hand; what is still queued gets its on_error

  // `work` runs on the loader's thread; when it throws, the session is thrown away and `on_error` is called there.
  void submit(Work work, OnError on_error);
  // Submits and waits; throws what `work` threw. Not to be called on the loader's own thread.
  void run(Work work);

 private:
  struct Item {
    Work work;
    OnError on_error;
  };
  void main();
  void process(Item& item, std::unique_ptr<WarehouseSession>& session);

  Warehouse& warehouse_;
  std::int64_t memory_;
  std::chrono::milliseconds lock_wait_;
  CancelToken& cancel_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  bool stop_ = false;
  std::thread thread_;
};

// Any exception as an Error: out of memory is retryable, everything unknown is internal.
Error as_error(const std::exception_ptr& exception);

}  // namespace pulk
