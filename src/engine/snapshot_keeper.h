// Holds the one snapshot that all lanes of a run read, and replaces it when it is gone or too old (I2, I7).
// Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "source/source.h"

namespace pulk {

class SnapshotKeeper {
 public:
  SnapshotKeeper(Source& source, std::vector<TableRequest> tables, int lanes, double max_age_seconds);

  // The current snapshot; the first call takes it. Replaced when it is older than the limit, unless the caller can work
  // with an old one: it then leaves the replacing to those who hold connections of it.
  std::shared_ptr<Snapshot> current(bool old_will_do = false);
  // Would current() give another snapshot than this one? Who holds the old one lets go of it first: its connection is
  // needed for the new one.
  bool replaces(const std::shared_ptr<Snapshot>& seen);
  // After an error: a new snapshot when `seen` is still the current one and is dead, else the current one.
  std::shared_ptr<Snapshot> after_failure(const std::shared_ptr<Snapshot>& seen);
  // Only these tables are still needed: the next snapshot protects no others.
  void narrow(std::vector<TableRequest> tables);
  // Lets the snapshot go, so that the source may clean up behind it.
  void release();
  // -1 when none is held.
  double age_seconds();

 private:
  std::shared_ptr<Snapshot> take();

  Source& source_;
  std::mutex mutex_;
  std::vector<TableRequest> tables_;
  int lanes_;
  double max_age_seconds_;
  std::shared_ptr<Snapshot> snapshot_;
};

}  // namespace pulk
