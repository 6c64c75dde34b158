#include "state/sqlite/workspace_owner.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/log.h"
#include "base/sqlite_db.h"
#include "base/strings.h"

namespace pulk {

namespace {

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

// Start time of a process in clock ticks since boot (proc(5), field 22 of stat), "" when there is no such process.
// With the pid it names a process: pids are used again.
std::string start_time(long pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto name_end = text.rfind(')');  // the second field may hold spaces and brackets
  if (name_end == std::string::npos) return "";
  std::istringstream rest(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22 && rest >> field; ++i) {
  }
  return field;
}

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string describe_this_process() { return fmt::format("{} pid {}", host_name(), ::getpid()); }

WorkspaceOwner::WorkspaceOwner(SqliteDb& db, const std::string& path, std::chrono::seconds lease,
                               std::function<void()> on_lost)
    : lease_(lease), on_lost_(std::move(on_lost)) {
  token_ = new_run_id() + fmt::format("-{}", ::getpid());
  {
    SqliteTransaction transaction(db);
    SqliteStatement look(db, "SELECT host, pid, start_time, heartbeat FROM owner WHERE id = 1");
    if (look.step()) {
      const std::string host = look.text(0);
      const auto pid = static_cast<long>(look.integer(1));
      const std::int64_t silent = unix_now() - look.integer(3);
      const bool gone = host == host_name() && start_time(pid) != look.text(2);
      if (!gone && silent <= lease_.count())
        throw Error(ErrorKind::retryable,
                    fmt::format("the workspace is in use by process {} on {} (last sign of life {} s ago)", pid, host,
                                silent),
                    path, "wait for it, or use another --workspace");
      if (!gone)
        log_warning(fmt::format("process {} on {} has given no sign of life for {} s: its workspace is taken over", pid,
                                host, silent));
    }
    SqliteStatement write(db, "INSERT OR REPLACE INTO owner VALUES (1, ?, ?, ?, ?, ?)");
    write.arg(token_)
        .arg(host_name())
        .arg(static_cast<std::int64_t>(::getpid()))
        .arg(start_time(::getpid()))
        .arg(unix_now());
    write.run();
    transaction.commit();
  }
  beat_db_ = std::make_unique<SqliteDb>(path, false, std::chrono::seconds(10));
  thread_ = std::thread([this] { beat(); });
}

WorkspaceOwner::~WorkspaceOwner() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  try {
    SqliteStatement release(*beat_db_, "DELETE FROM owner WHERE token = ?");
    release.arg(token_).run();
  } catch (const Error& e) {
    log_debug(std::string("the workspace could not be released: ") + e.what());
  }
}

void WorkspaceOwner::check(SqliteDb& db) const {
  // A successor that has finished leaves no row: what counts is that ours is there.
  SqliteStatement look(db, "SELECT token = ?, host, pid FROM owner WHERE id = 1");
  look.arg(token_);
  const bool owned = look.step();
  if (owned && look.integer(0) == 1) return;
  const std::string who = owned ? fmt::format("process {} on {}", look.integer(2), look.text(1)) : "another process";
  throw Error(ErrorKind::retryable, "this process was silent too long: " + who + " has taken the workspace over",
              db.path());
}

void WorkspaceOwner::beat() {
  const auto interval = std::max<std::chrono::milliseconds>(std::chrono::milliseconds(200), lease_ / 4);
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, interval, [this] { return stop_; })) {
    try {
      SqliteStatement write(*beat_db_, "UPDATE owner SET heartbeat = ? WHERE id = 1 AND token = ?");
      write.arg(unix_now()).arg(token_).run();
      if (beat_db_->changes() == 1) continue;
      log_error("another process has taken this workspace over; this one ends");
      if (on_lost_) on_lost_();
      return;
    } catch (const Error& e) {
      log_warning(std::string("the heartbeat could not be written: ") + e.what());
    }
  }
}

}  // namespace pulk
