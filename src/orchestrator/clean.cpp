#include "orchestrator/clean.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "base/cancel.h"
#include "base/error.h"
#include "orchestrator/prepare.h"
#include "state/sqlite/sqlite_store.h"
#include "state/sqlite/workspace_owner.h"

namespace pulk {

namespace fs = std::filesystem;

struct Cleaning::Impl {
  CleanOptions options;
  CancelToken& cancel;
  std::unique_ptr<Warehouse> warehouse;
  std::unique_ptr<StateStore> store;
  std::vector<WarehouseSession::Leftover> in_target;
  std::vector<fs::path> folders;
  std::set<std::string> abandoned;
};

Cleaning::Cleaning(const CleanOptions& options, CancelToken& cancel)
    : impl_(new Impl{options, cancel, {}, {}, {}, {}, {}}) {
  impl_->warehouse = open_target(options.connections, options.target, cancel);
  if (fs::exists(fs::path(options.workspace) / "ledger.sqlite")) {
    WorkspaceOptions workspace;
    workspace.folder = options.workspace;
    workspace.lease = options.lease;
    workspace.on_lost = [&cancel] { cancel.cancel(); };
    impl_->store = open_sqlite_store(workspace);
  }
  const auto finished = [&](const std::string& run) {
    if (run == options.abandon) return true;
    if (impl_->store == nullptr) return false;
    const auto record = impl_->store->find_run(run);
    return record && (record->state == RunState::finished || record->state == RunState::abandoned);
  };

  bool abandon_found = options.abandon.empty();
  if (impl_->warehouse->exists()) {
    const auto session = impl_->warehouse->open(options.lock_wait, 64LL << 20, false, &cancel);
    for (const WarehouseSession::Leftover& left : session->leftovers()) {
      const std::string line = fmt::format("{} {}: run {}, {}", impl_->warehouse->kind(), left.target.display(), left.run,
                                           left.what);
      if (left.run == options.abandon) abandon_found = true;
      if (finished(left.run)) {
        impl_->in_target.push_back(left);
        lines_.push_back(line);
      } else {
        kept_.push_back(line + ": unfinished, resume it or name it with --abandon");
      }
    }
  }
  const fs::path spool = fs::path(options.workspace) / "spool";
  if (fs::is_directory(spool))
    for (const fs::directory_entry& entry : fs::directory_iterator(spool)) {
      const std::string run = entry.path().filename().string();
      const std::string line = fmt::format("folder {}: files of run {}", entry.path().string(), run);
      if (finished(run)) {
        impl_->folders.push_back(entry.path());
        lines_.push_back(line);
      } else {
        kept_.push_back(line + ": unfinished, resume it or name it with --abandon");
      }
    }
  if (!options.abandon.empty() && impl_->store != nullptr) {
    const auto record = impl_->store->find_run(options.abandon);
    if (record && (record->state == RunState::running || record->state == RunState::failed)) {
      abandon_found = true;
      impl_->abandoned.insert(options.abandon);
      lines_.push_back(fmt::format("run {} of workflow {}: can no longer be resumed", record->id, record->workflow));
    }
  }
  if (!abandon_found)
    throw Error(ErrorKind::usage, "neither the workspace nor the target knows a run " + options.abandon, "--abandon",
                "`pulk status` and `pulk clean --dry-run` list what there is");
}

Cleaning::~Cleaning() = default;

void Cleaning::remove() {
  // The ledger first: a run must not be resumed with half of its work gone.
  for (const std::string& run : impl_->abandoned) impl_->store->set_run_state(run, RunState::abandoned);
  if (!impl_->in_target.empty()) {
    const auto session = impl_->warehouse->open(impl_->options.lock_wait, 64LL << 20, true, &impl_->cancel);
    for (const WarehouseSession::Leftover& left : impl_->in_target) {
      const RunIdentity who{left.run, describe_this_process()};
      session->end_left_open(who);
      session->clean(who, left.target, true);
    }
  }
  for (const fs::path& folder : impl_->folders) fs::remove_all(folder);
}

}  // namespace pulk
