// The name of a snapshot: what receipts and marks keep, and what a later process compares with to prove that a
// partition did not change. JSON text. Pure values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace pulk::postgres {

struct SnapshotId {
  std::string system;  // system identifier of the cluster; empty when the login may not read it
  std::int64_t timeline = 0;
  std::int64_t database = 0;  // oid
  std::string snapshot;       // pg_current_snapshot: xmin:xmax:xip, 64-bit
  std::string time;           // of the server, UTC
  // Exact "schema"."table" to a digest of all that gives its rows their values besides their versions: the storage
  // files of the leaves and the physical columns. Only relations that can be proven unchanged are in it.
  std::map<std::string, std::string> storage;

  std::string to_text() const;
  static std::optional<SnapshotId> parse(const std::string& text);

  // Transactions below the first were finished at the snapshot; none at or above the second was visible.
  std::optional<std::int64_t> xmin() const;
  std::optional<std::int64_t> xmax() const;
};

}  // namespace pulk::postgres
