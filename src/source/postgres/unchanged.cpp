#include "source/dialect/clauses.h"
#include "source/dialect/postgres.h"
#include "source/postgres/relation.h"
#include "source/postgres/snapshot.h"

namespace pulk::postgres {

// Why this is a proof. All transactions below the old snapshot's xmin were finished when it was taken. A row version
// that is visible now and whose xmin is below that was therefore inserted and committed then, and not deleted then, or
// it would not be visible now: the old snapshot saw it. So when no visible row has a newer xmin, the rows of now are a
// subset of the rows of then, and with equal counts the two sets are equal. Row versions keep their xmin, frozen ones
// too, unless the table is rewritten, which changes its file: hence the storage digest. The 32-bit xmin of a row tells
// new from old as long as fewer than 2^31 transactions lie between; older ones can only be taken for new, never the
// other way round.
bool prove_unchanged(pg::Statements& connection, const SnapshotId& now, const SnapshotId& before,
                     const TablePlan& table, const PartitionPlan& partition, std::int64_t rows) {
  // A system identifier survives a promotion; the timeline tells that finished transactions may have been lost.
  if (now.system.empty() || now.system != before.system || now.timeline != before.timeline ||
      now.database != before.database) {
    return false;
  }
  if (table.source.is_query() || !condition_is_timeless(table.source.filter)) return false;
  const std::string key = qualified(table.source.name);
  const auto digest_now = now.storage.find(key), digest_before = before.storage.find(key);
  if (digest_now == now.storage.end() || digest_before == before.storage.end() ||
      digest_now->second != digest_before->second) {
    return false;
  }
  const auto old_xmin = before.xmin(), new_xmax = now.xmax();
  if (!old_xmin || !new_xmax || *new_xmax < *old_xmin) return false;
  const std::int64_t distance = *new_xmax - *old_xmin;
  if (distance >= (1LL << 31)) return false;
  const Relation relation = find_relation(connection, table.source.name);
  if (!table.schema_fingerprint.empty() && fingerprint_of(relation.columns) != table.schema_fingerprint) return false;

  const pg::Result counts = connection.exec(
      "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE ((xmin::text::bigint - " +
      std::to_string(*old_xmin % (1LL << 32)) + " + 4294967296) % 4294967296) < " + std::to_string(distance) +
      ") FROM " + qualified(table.source.name) + where_clause({table.source.filter, partition.predicate}));
  return counts.integer(0, 1) == 0 && counts.integer(0, 0) == rows;
}

}  // namespace pulk::postgres
