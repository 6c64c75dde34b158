// Who owns a workspace: a row in the ledger with token, host, pid, start time of the process and a heartbeat.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace pulk {

class SqliteDb;

// "host pid 123": for people.
std::string describe_this_process();

class WorkspaceOwner {
 public:
  // Takes ownership or throws Error(retryable) that names the owner. `path` is opened a second time for the
  // heartbeat, so that a long write of the store does not delay it.
  WorkspaceOwner(SqliteDb& db, const std::string& path, std::chrono::seconds lease, std::function<void()> on_lost);
  ~WorkspaceOwner();  // gives ownership back when it is still ours
  WorkspaceOwner(const WorkspaceOwner&) = delete;
  WorkspaceOwner& operator=(const WorkspaceOwner&) = delete;

  // Throws Error(retryable) when another process owns the workspace now. To be called inside a write transaction.
  void check(SqliteDb& db) const;

 private:
  void beat();

  std::string token_;
  std::chrono::seconds lease_;
  std::function<void()> on_lost_;
  std::unique_ptr<SqliteDb> beat_db_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace pulk
