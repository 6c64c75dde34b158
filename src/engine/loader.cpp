#include "engine/loader.h"

#include <malloc.h>

#include <future>
#include <new>

#include "base/cancel.h"

namespace pulk {

Error as_error(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& e) {
    return e;
  } catch (const std::bad_alloc&) {
    return Error(ErrorKind::retryable, "out of memory", "", "lower --parallel or --memory, or give the machine more");
  } catch (const std::exception& e) {
    return Error(ErrorKind::internal, e.what());
  } catch (...) {
    return Error(ErrorKind::internal, "an exception of unknown type");
  }
}

Loader::Loader(Warehouse& warehouse, std::int64_t memory, std::chrono::milliseconds lock_wait, CancelToken& cancel)
    : warehouse_(warehouse), memory_(memory), lock_wait_(lock_wait), cancel_(cancel), thread_([this] { main(); }) {}

Loader::~Loader() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Loader::submit(Work work, OnError on_error) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({std::move(work), std::move(on_error)});
  }
  wake_.notify_all();
}

void Loader::run(Work work) {
  std::promise<void> done;
  std::future<void> future = done.get_future();
  submit(
      [&](WarehouseSession& session) {
        work(session);
        done.set_value();
      },
      [&](const Error& e) { done.set_exception(std::make_exception_ptr(e)); });
  future.get();
}

void Loader::process(Item& item, std::unique_ptr<WarehouseSession>& session) {
  std::optional<Error> error;
  try {
    cancel_.check();
    if (session == nullptr) session = warehouse_.open(lock_wait_, memory_, true, &cancel_);
    item.work(*session);
  } catch (...) {
    error = as_error(std::current_exception());
  }
  if (!error) return;
  // A session that has seen an error may hold half a transaction: it is never used again.
  session.reset();
  item.on_error(*error);
}

void Loader::main() {
  std::unique_ptr<WarehouseSession> session;
  while (true) {
    std::optional<Item> item;
    bool stopping = false;
    {
      std::unique_lock lock(mutex_);
      if (queue_.empty() && session != nullptr) {
        // Closing an embedded database is a checkpoint; a moment's patience saves one per partition.
        wake_.wait_for(lock, warehouse_.patience(), [this] { return stop_ || !queue_.empty(); });
      } else {
        wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
      }
      stopping = stop_;
      if (!queue_.empty()) {
        item = std::move(queue_.front());
        queue_.pop_front();
      }
    }
    if (!item) {
      session.reset();
      // What an embedded engine allocated goes back to the system, not into this thread's arena.
      malloc_trim(0);
      if (stopping) return;
      continue;
    }
    if (stopping) item->on_error(Error(ErrorKind::retryable, "interrupted"));
    else process(*item, session);
  }
}

}  // namespace pulk
