#include "engine/loader.h"

#include <malloc.h>

#include <algorithm>
#include <future>
#include <new>
#include <set>
#include <utility>

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
    : warehouse_(warehouse), memory_(memory), lock_wait_(lock_wait), cancel_(cancel) {
  for (int i = 0; i < std::max(1, warehouse.load_sessions()); ++i) threads_.emplace_back([this] { main(); });
}

Loader::~Loader() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Loader::submit(const void* table, Manner manner, Work work, OnError on_error) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({table, manner, std::move(work), std::move(on_error)});
  }
  wake_.notify_all();
}

void Loader::run(const void* table, Work work) {
  std::promise<void> done;
  std::future<void> future = done.get_future();
  submit(
      table, Manner::alone,
      [&](WarehouseSession& session) {
        work(session);
        done.set_value();
      },
      [&](const Error& e) { done.set_exception(std::make_exception_ptr(e)); });
  future.get();
}

bool Loader::may_begin(const Item& item) const {
  const auto found = running_.find(item.table);
  if (found == running_.end()) return true;
  return !found->second.alone && item.manner == Manner::beside;
}

std::optional<Loader::Item> Loader::next() {
  std::set<const void*> waiting;  // tables of which something earlier cannot begin yet
  for (auto item = queue_.begin(); item != queue_.end(); ++item) {
    if (waiting.contains(item->table)) continue;
    if (!stop_ && !may_begin(*item)) {
      waiting.insert(item->table);
      continue;
    }
    Item taken = std::move(*item);
    queue_.erase(item);
    Running& running = running_[taken.table];
    if (taken.manner == Manner::alone)
      running.alone = true;
    else
      ++running.beside;
    return taken;
  }
  return std::nullopt;
}

void Loader::ended(const Item& item) {
  Running& running = running_.at(item.table);
  if (item.manner == Manner::alone)
    running.alone = false;
  else
    --running.beside;
  if (!running.alone && running.beside == 0) running_.erase(item.table);
}

void Loader::process(Item& item) {
  Session session;
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      session = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  std::optional<Error> error;
  try {
    cancel_.check();
    if (session == nullptr) session = warehouse_.open(lock_wait_, memory_, true, &cancel_);
    item.work(*session);
  } catch (...) {
    error = as_error(std::current_exception());
  }
  if (error) {
    // A session that has seen an error may hold half a transaction: it is never used again.
    session.reset();
    item.on_error(*error);
  }
  std::lock_guard lock(mutex_);
  last_used_ = Clock::now();
  if (session != nullptr) idle_.push_back(std::move(session));
}

void Loader::main() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (std::optional<Item> item = next()) {
      const bool stopping = stop_;
      lock.unlock();
      if (stopping)
        item->on_error(Error(ErrorKind::retryable, "interrupted"));
      else
        process(*item);
      lock.lock();
      ended(*item);
      wake_.notify_all();
      continue;
    }
    // Closing an embedded database is a checkpoint; a moment's patience saves one per partition.
    const Clock::time_point until = last_used_ + warehouse_.patience();
    if (!stop_ && idle_.empty()) {
      wake_.wait(lock);
    } else if (!stop_ && Clock::now() < until) {
      wake_.wait_until(lock, until);
    } else {
      std::vector<Session> closing = std::exchange(idle_, {});
      lock.unlock();
      closing.clear();
      // What an embedded engine allocated goes back to the system, not into this thread's arena.
      malloc_trim(0);
      lock.lock();
      if (stop_ && queue_.empty()) return;
    }
  }
}

}  // namespace pulk
