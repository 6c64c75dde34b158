// The sessions of this process that may have a transaction open, by Snowflake's ids. What a session has open that is
// not among them was left by a process, or a session, that is gone. Thread-safe.
#pragma once

#include <mutex>
#include <set>
#include <string>

namespace pulk {

class LiveSessions {
 public:
  void add(const std::string& id) {
    std::lock_guard lock(mutex_);
    ids_.insert(id);
  }
  void remove(const std::string& id) {
    std::lock_guard lock(mutex_);
    ids_.erase(id);
  }
  bool contains(const std::string& id) const {
    std::lock_guard lock(mutex_);
    return ids_.contains(id);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> ids_;
};

}  // namespace pulk
