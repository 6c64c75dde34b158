// The ledger in SQLite (WAL) in the workspace folder. One process owns a workspace at a time: the owner row holds its
// token and a heartbeat. A dead owner (same host, no such process) is replaced at once, a silent one after `lease`.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "state/state_store.h"

namespace pulk {

struct WorkspaceOptions {
  std::string folder;                          // created (0700) when missing
  std::chrono::seconds lease{60};
  bool read_only = false;                      // `status`: takes no ownership
  std::function<void()> on_lost;               // called from the heartbeat thread when another process took over
};

// Throws Error(retryable) naming the pid that owns the workspace, Error(usage) for a ledger of a newer version.
std::unique_ptr<StateStore> open_sqlite_store(const WorkspaceOptions& options);

}  // namespace pulk
