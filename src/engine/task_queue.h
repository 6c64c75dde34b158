// Tasks that wait for a lane. First in, first out, so that tables are finished in their order. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "engine/table_run.h"

namespace pulk {

class TaskQueue {
 public:
  void push(Task task) {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_back(task);
    }
    changed_.notify_all();
  }
  // Work that other work waits for: goes before everything else.
  void push_front(Task task) {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_front(task);
    }
    changed_.notify_all();
  }
  // Empty when the queue is closed and drained.
  std::optional<Task> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
    if (tasks_.empty()) return std::nullopt;
    Task task = tasks_.front();
    tasks_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return task;
  }
  bool below(std::size_t n) {
    std::lock_guard lock(mutex_);
    return tasks_.size() < n;
  }
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool closed_ = false;
};

}  // namespace pulk
