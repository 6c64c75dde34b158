#include "base/steps.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "base/error.h"

namespace pulk {

namespace {

struct Trap {
  std::string name;
  int passing = 1;
  bool set() const { return !name.empty(); }
};

Trap read_trap(const char* variable) {
  Trap trap;
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return trap;
  trap.name = value;
  if (auto colon = trap.name.rfind(':'); colon != std::string::npos) {
    trap.passing = std::atoi(trap.name.c_str() + colon + 1);
    trap.name.resize(colon);
  }
  return trap;
}

struct Traps {
  Trap crash = read_trap("PULK_CRASH_AT");
  Trap stop = read_trap("PULK_STOP_AT");
  int log = -1;
  std::mutex mutex;
  std::map<std::string, int, std::less<>> passed;
  bool active = false;

  Traps() {
    if (const char* path = std::getenv("PULK_STEP_LOG"); path != nullptr && *path != '\0')
      log = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    active = crash.set() || stop.set() || log >= 0;
  }
};

Traps& traps() {
  static Traps instance;
  return instance;
}

}  // namespace

const std::vector<std::string_view>& all_steps() {
  static const std::vector<std::string_view> names = {
      "run.recorded",           // the run is in the ledger
      "snapshot.taken",         // the source snapshot is held
      "table.frozen",           // partitions of a table are in the ledger
      "table.leased",           // lease, marks and staging of a table are committed in the target
      "partition.taken",        // a lane has a partition, nothing read
      "partition.first_batch",  // the first batch is encoded
      "partition.file_closed",  // a file is complete on the stage
      "partition.staged",       // all files of a partition are on the stage and in the ledger
      "load.begun",             // the target's transaction is open
      "load.data_in",           // rows are in, the mark is not
      "load.marked",            // the mark is set, not committed
      "load.committed",         // the target has committed, the ledger does not know
      "load.recorded",          // the ledger knows
      "publish.begun",          // the publishing transaction is open
      "publish.data_in",        // the target is overwritten, not committed
      "publish.marked",         // the publish mark is set, not committed
      "publish.committed",      // committed, the ledger does not know
      "publish.recorded",       // the ledger knows
      "table.cleaned",          // staging and files of the table are removed
      "run.finished",           // the run is recorded as finished
      "take.marked",            // Snowflake: lease and marks are committed, staging and stage are not made yet
      "export.file_sealed",     // all bytes of a file of an export are where they stay, nobody sees it
      "export.sealed",          // all files of an export are
      "export.file_published",  // a file has its name
      "export.published",       // all files of a folder have, the manifest is the old one
      "export.manifest",        // the manifest is the new one, old files are there too
      "export.cleaned",         // old files are gone, _SUCCESS is not there
  };
  return names;
}

void step(std::string_view name) {
  Traps& t = traps();
  if (!t.active) return;
  const auto& names = all_steps();
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw Error(ErrorKind::internal, "unknown step " + std::string(name));
  int n = 0;
  {
    std::lock_guard lock(t.mutex);
    n = ++t.passed[std::string(name)];
  }
  if (t.log >= 0) {
    std::string line = std::string(name) + "\n";
    [[maybe_unused]] ssize_t written = ::write(t.log, line.data(), line.size());
  }
  if (t.crash.name == name && n == t.crash.passing) ::kill(::getpid(), SIGKILL);
  if (t.stop.name == name && n == t.stop.passing) ::raise(SIGSTOP);
}

}  // namespace pulk
