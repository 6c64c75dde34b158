#include "engine/snapshot_keeper.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/steps.h"
#include "base/strings.h"

namespace pulk {

SnapshotKeeper::SnapshotKeeper(Source& source, std::vector<TableRequest> tables, int lanes, double max_age_seconds)
    : source_(source), tables_(std::move(tables)), lanes_(lanes), max_age_seconds_(max_age_seconds) {}

std::shared_ptr<Snapshot> SnapshotKeeper::take() {
  snapshot_.reset();  // the old one's connection is given back before a new one is asked for
  snapshot_ = source_.snapshot(tables_, lanes_);
  log_debug("snapshot " + snapshot_->id());
  step("snapshot.taken");
  return snapshot_;
}

std::shared_ptr<Snapshot> SnapshotKeeper::current(bool old_will_do) {
  std::lock_guard lock(mutex_);
  if (snapshot_ == nullptr) return take();
  if (!old_will_do && max_age_seconds_ > 0 && snapshot_->age_seconds() > max_age_seconds_) {
    log_warning(fmt::format("the snapshot is {} old, a new one replaces it; what was loaded from it is kept where it "
                            "is proven unchanged", format_seconds(snapshot_->age_seconds())));
    return take();
  }
  return snapshot_;
}

bool SnapshotKeeper::replaces(const std::shared_ptr<Snapshot>& seen) {
  std::lock_guard lock(mutex_);
  return seen != snapshot_ || (max_age_seconds_ > 0 && snapshot_->age_seconds() > max_age_seconds_);
}

std::shared_ptr<Snapshot> SnapshotKeeper::after_failure(const std::shared_ptr<Snapshot>& seen) {
  std::lock_guard lock(mutex_);
  if (snapshot_ == nullptr) return take();
  if (seen != snapshot_ || snapshot_->alive()) return snapshot_;
  log_warning("the snapshot is lost with its connection, a new one replaces it; what was loaded from it is kept where "
              "it is proven unchanged");
  return take();
}

void SnapshotKeeper::narrow(std::vector<TableRequest> tables) {
  std::lock_guard lock(mutex_);
  tables_ = std::move(tables);
}

void SnapshotKeeper::release() {
  std::lock_guard lock(mutex_);
  snapshot_.reset();
}

double SnapshotKeeper::age_seconds() {
  std::lock_guard lock(mutex_);
  return snapshot_ == nullptr ? -1 : snapshot_->age_seconds();
}

}  // namespace pulk
