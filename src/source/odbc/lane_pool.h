// The connections of a snapshot that its lanes read through: opened by the snapshot, lent to lanes, which may outlive
// it and give them back. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "source/odbc/handle.h"

namespace pulk::odbc {

using ConnectionPtr = std::shared_ptr<Connection>;

class LanePool : public std::enable_shared_from_this<LanePool> {
 public:
  void add(ConnectionPtr connection);
  // What is not lent. Only for the snapshot's own constructor, before the first lane.
  const std::vector<ConnectionPtr>& idle() const { return idle_; }

  // Waits for a connection to be given back; `otherwise` is asked for another one meanwhile and may return nothing.
  // Throws Error(retryable) after half a minute, or when one of the connections has lost its transaction.
  ConnectionPtr take(const Connection& catalog, const std::function<ConnectionPtr()>& otherwise = {});
  // For a lane to call when it ends.
  std::function<void(ConnectionPtr)> give_back();

  // A lane's connection has lost its transaction.
  bool lost();
  // Connections that are given back from now on are closed.
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<ConnectionPtr> idle_;
  bool closed_ = false;
  bool lost_ = false;
};

}  // namespace pulk::odbc
