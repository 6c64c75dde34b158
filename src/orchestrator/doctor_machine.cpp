#include "orchestrator/doctor_machine.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "base/sqlite_db.h"
#include "base/strings.h"
#include "orchestrator/doctor_probes.h"
#include "state/sqlite/sqlite_store.h"

namespace pulk {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLeaseSeconds = 60;  // the default of --lease
constexpr std::int64_t kLeastRoom = 64LL << 20;

}  // namespace

Verdict look_at_disk(const std::vector<std::string>& folders, std::int64_t source_bytes) {
  // Staged files and the target's own; the source's bytes bound each from above in all but odd cases.
  std::vector<std::string> room;
  bool enough = true;
  for (const std::string& folder : folders) {
    const std::int64_t free = probe::free_disk_bytes(folder);
    room.push_back(format_bytes(free) + " free in " + folder);
    enough &= free > std::max(source_bytes, kLeastRoom);
  }
  std::string what = join(room, ", ");
  if (source_bytes > 0) what += ", the source's tables have ~" + format_bytes(source_bytes);
  if (enough) return passed(what);
  return warned(what, "make room, or move the tables one after the other with --tables");
}

std::string ledger_of(const std::string& workspace) { return (fs::path(workspace) / "ledger.sqlite").string(); }

Verdict look_at_workspace(const std::string& workspace) {
  const bool exists = fs::exists(workspace);
  probe::try_writing(exists ? workspace : probe::nearest_folder(workspace));
  if (!exists) return passed(workspace + " will be made");
  const std::string ledger = ledger_of(workspace);
  if (!fs::exists(ledger)) return passed(workspace + " can be written to, there is no ledger yet");
  std::int64_t version = 0;
  {
    SqliteDb db(ledger, true, std::chrono::seconds(5));
    SqliteStatement query(db, "PRAGMA user_version");
    if (query.step()) version = query.integer(0);
  }
  // Version 0: its maker was stopped before the first table was there; the next run sets it up.
  if (version == 0) return passed(workspace + " can be written to, its ledger is empty");
  WorkspaceOptions options;
  options.folder = workspace;
  options.read_only = true;
  const std::vector<RunRecord> runs = open_sqlite_store(options)->runs();
  // Runs sort by their time: with a clock that went back, the newest run would not be found again.
  if (!runs.empty() && runs.front().started > utc_now())
    return warned("the newest run started at " + runs.front().started + ", after now", "set the clock of this machine");
  const auto open = std::count_if(runs.begin(), runs.end(), [](const RunRecord& run) {
    return run.state == RunState::running || run.state == RunState::failed;
  });
  return passed(
      fmt::format("{}: ledger version {}, {} runs, {} of them unfinished", workspace, version, runs.size(), open));
}

Verdict look_at_owner(const std::string& workspace) {
  SqliteDb db(ledger_of(workspace), true, std::chrono::seconds(5));
  SqliteStatement tables(db, "SELECT 1 FROM sqlite_master WHERE name = 'owner'");
  if (!tables.step()) return passed("nobody works in it");
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  SqliteStatement query(db, "SELECT host, pid, heartbeat FROM owner WHERE id = 1");
  if (!query.step()) return passed("nobody works in it");
  const std::string host = query.text(0);
  const std::int64_t pid = query.integer(1), silent = now - query.integer(2);
  char self[256] = {};
  ::gethostname(self, sizeof self - 1);
  if (host == self && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH)
    return passed(fmt::format("process {} is gone without a word; the next run takes over at once", pid));
  if (silent > kLeaseSeconds)
    return warned(fmt::format("process {} on {} has given no sign of life for {} s", pid, host, silent),
                  "the next run takes over; make sure that this process does not come back");
  throw Error(ErrorKind::retryable,
              fmt::format("in use by process {} on {} (last sign of life {} s ago)", pid, host, silent), workspace,
              "wait for it, or use another --workspace");
}

Verdict look_at_memory(std::int64_t budget) {
  const std::string wanted = "a budget of " + format_bytes(budget);
  const auto limit = probe::memory_limit();
  if (!limit) return warned(wanted + "; this machine does not say how much it has", "make sure that it has more");
  const std::string what = fmt::format("{}, {} allows {}", wanted, limit->set_by, format_bytes(limit->bytes));
  // Code, stacks and what drivers allocate on their own come on top of the budget.
  const std::int64_t sound = limit->bytes / 4 * 3;
  if (limit->bytes < budget)
    throw Error(ErrorKind::usage, what, "", fmt::format("give --memory {}MiB or less", sound >> 20));
  if (sound < budget)
    return warned(what, fmt::format("--memory {}MiB leaves a quarter for what is not in the budget", sound >> 20));
  return passed(what);
}

Verdict look_at_clock() {
  // With a clock that was never set no certificate is valid, and this run sorts before those of earlier days.
  const std::string now = utc_now();
  if (now < "2025") throw Error(ErrorKind::usage, "the clock says " + now + ", before this program was written");
  return passed(now);
}

}  // namespace pulk
