#include <algorithm>
#include <optional>
#include <set>
#include <thread>

#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/dialect/postgres.h"
#include "source/postgres/relation.h"
#include "source/postgres/snapshot.h"

// TRUNCATE and rewriting ALTERs are not seen by older snapshots: a table that was truncated after the snapshot was
// taken looks empty in it. So every relation is locked BEFORE the snapshot is. LOCK TABLE takes no snapshot, so the
// holder can do that itself for tables. Views and queries only tell what they read when they are planned, and planning
// takes a snapshot: a second session, the guard, plans them first and keeps those locks until the holder has planned
// them too. What the holder reads in the end must be a subset of what was locked in time, else all of it is done again.

namespace pulk::postgres {
namespace {

constexpr int most_attempts = 3;
constexpr int first_user_oid = 16384;

std::string select_of(const TableRequest& request, const std::optional<Relation>& relation,
                      const std::vector<CatalogColumn>& columns) {
  SourceObject object;
  if (relation) object.name = relation->name;
  object.query = request.query;
  std::vector<std::string> quoted;
  for (const CatalogColumn& column : columns) quoted.push_back(quote_double(column.column.name));
  return "SELECT " + join(quoted, ", ") + " FROM " + from_item(object, names_of(columns)) +
         where_clause({request.filter});
}

// One request as the guard found it.
struct Wanted {
  const TableRequest* request = nullptr;
  std::optional<Relation> relation;  // empty for queries
  std::string select;                // to be planned for its locks; empty for tables without a filter

  std::string subject() const { return relation ? relation->name.display() : "query"; }
};

Wanted look_up(pg::Statements& guard, const TableRequest& request) {
  Wanted wanted;
  wanted.request = &request;
  if (request.query.empty()) {
    wanted.relation = find_relation(guard, request);
    // A filter may read other tables.
    if (!wanted.relation->lockable() || !trim(request.filter).empty()) {
      wanted.select = select_of(request, wanted.relation, wanted.relation->columns);
    }
  } else {
    wanted.select = select_of(request, std::nullopt, query_columns(guard, request.query));
  }
  return wanted;
}

void plan_for_locks(pg::Statements& connection, const Wanted& wanted) {
  if (wanted.select.empty()) return;
  try {
    connection.exec("EXPLAIN " + wanted.select);
  } catch (const pg::SqlError& error) {
    throw error.with_subject(wanted.subject());
  }
}

std::set<std::string> oids_of(const pg::Result& rows) {
  std::set<std::string> oids;
  for (int i = 0; i < rows.rows(); ++i) oids.insert(rows.text(i, 0));
  return oids;
}

// Indexes are left out: which of them planning touches may differ from one time to the next, and no lock of theirs
// protects rows.
std::set<std::string> locked_relations(pg::Statements& connection) {
  return oids_of(
      connection.exec("SELECT l.relation FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation"
                      " WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted"
                      " AND c.relkind IN ('r', 'p', 'm', 'f', 'v') AND l.relation >= " +
                      std::to_string(first_user_oid)));
}

// The relation that the request names now, and all below it.
std::set<std::string> relations_to_read(pg::Statements& connection, const Wanted& wanted) {
  if (!wanted.relation) return {};
  const Relation now = find_relation(connection, *wanted.request);
  if (!now.lockable()) return {};
  return oids_of(
      connection.query("WITH RECURSIVE tree(oid) AS (SELECT $1::pg_catalog.oid UNION SELECT i.inhrelid FROM tree"
                       " JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid) SELECT oid FROM tree",
                       {now.oid}));
}

void lock_tables(pg::Statements& holder, std::vector<Wanted>& wanted) {
  // In the order of oids, as others who lock several tables may do, so that two of us never wait for each other.
  std::vector<const Wanted*> tables;
  for (const Wanted& one : wanted) {
    if (one.relation && one.relation->lockable()) tables.push_back(&one);
  }
  std::sort(tables.begin(), tables.end(), [](const Wanted* a, const Wanted* b) {
    return std::stoull(a->relation->oid) < std::stoull(b->relation->oid);
  });
  for (const Wanted* table : tables) {
    try {
      holder.exec("LOCK TABLE " + qualified(table->relation->name) + " IN ACCESS SHARE MODE");
    } catch (const pg::SqlError& error) {
      throw error.with_subject(table->subject());
    }
  }
}

// "" when the rows of the relation can never be proven unchanged.
std::string storage_digest(pg::Statements& holder, const Relation& relation) {
  if (!relation.sampled_by_page() || relation.kind == 'm' || relation.row_security) return "";
  // Columns by number: one that was dropped and added again under its name gives old row versions new values. Enum
  // labels: renaming one changes what every row says.
  const pg::Result rows = holder.query(
      R"(WITH RECURSIVE tree(oid) AS (SELECT $1::pg_catalog.oid UNION SELECT i.inhrelid FROM tree
           JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid)
SELECT c.oid, c.relkind, pg_catalog.pg_relation_filenode(c.oid),
       (SELECT pg_catalog.string_agg(a.attnum || ':' || a.atttypid || ':' || a.atttypmod || ':' || a.attname, ','
                                      ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
  FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid ORDER BY c.oid)",
      {relation.oid});
  std::string text =
      holder
          .exec(
              "SELECT coalesce(pg_catalog.string_agg(oid || ':' || enumlabel || ':' || enumsortorder, ','"
              " ORDER BY oid), '') FROM pg_catalog.pg_enum")
          .text(0, 0);
  for (int i = 0; i < rows.rows(); ++i) {
    if (rows.view(i, 1) == "f") return "";
    for (int column = 0; column < 4; ++column) text += '\x1f' + rows.text(i, column);
    text += '\x1e';
  }
  return xxh128_hex(text);
}

SnapshotId identify(pg::Statements& holder) {
  SnapshotId id;
  const pg::Result row = holder.exec(
      "SELECT pg_catalog.txid_current_snapshot()::text, d.oid, pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME "
      "ZONE"
      " 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM pg_catalog.pg_database d"
      " WHERE d.datname = pg_catalog.current_database()");
  id.snapshot = row.text(0, 0);
  id.database = row.integer(0, 1);
  id.time = row.text(0, 2);
  try {
    in_savepoint(holder, true, [&] {
      const pg::Result control = holder.exec(
          "SELECT s.system_identifier, c.timeline_id FROM pg_catalog.pg_control_system() s,"
          " pg_catalog.pg_control_checkpoint() c");
      id.system = control.text(0, 0);
      id.timeline = control.integer(0, 1);
      return 0;
    });
  } catch (const pg::SqlError& error) {
    if (error.sqlstate() != "42501") throw;  // without it nothing can be proven unchanged, all else works
  }
  return id;
}

// nullptr when a relation was swapped or a partition attached between the locks and the snapshot.
std::unique_ptr<Snapshot> try_once(const std::shared_ptr<SessionFactory>& sessions,
                                   const std::vector<TableRequest>& tables, const LaneMaker& make_lane) {
  Permits::Permit holder_permit = sessions->permit();
  Permits::Permit guard_permit = sessions->permit();
  const auto guard = sessions->open();
  guard->begin(Isolation::each_statement);
  std::vector<Wanted> wanted;
  std::vector<Error> failures;
  for (const TableRequest& request : tables) {
    try {
      in_savepoint(guard->connection(), true, [&] {
        wanted.push_back(look_up(guard->connection(), request));
        plan_for_locks(guard->connection(), wanted.back());
        return 0;
      });
    } catch (const Error& error) {
      // What is wrong with one table is reported with what is wrong with the others.
      if (error.kind() == ErrorKind::retryable || error.kind() == ErrorKind::internal) throw;
      failures.push_back(error);
    }
  }
  if (failures.size() == 1) throw failures.front();
  if (!failures.empty()) {
    Problems problems;
    for (const Error& error : failures) problems.add(error.subject(), error.message(), error.hint());
    problems.throw_if_any(failures.front().kind());
  }
  std::set<std::string> in_time = locked_relations(guard->connection());

  auto holder_session = sessions->open();
  holder_session->begin(Isolation::snapshot);
  pg::Statements& holder = holder_session->connection();
  lock_tables(holder, wanted);
  const std::string exported = holder.exec("SELECT pg_catalog.pg_export_snapshot()").text(0, 0);
  in_time.merge(locked_relations(holder));

  for (const Wanted& one : wanted) plan_for_locks(holder, one);
  std::set<std::string> needed = locked_relations(holder);
  SnapshotId id = identify(holder);
  for (const Wanted& one : wanted) {
    needed.merge(relations_to_read(holder, one));
    if (!one.relation) continue;
    const std::string digest = storage_digest(holder, *one.relation);
    if (!digest.empty()) id.storage[qualified(one.relation->name)] = digest;
  }
  if (!std::includes(in_time.begin(), in_time.end(), needed.begin(), needed.end())) return nullptr;
  return std::make_unique<HeldSnapshot>(sessions, std::move(holder_permit), std::move(holder_session), exported,
                                        std::move(id), make_lane);
}

}  // namespace

std::unique_ptr<Snapshot> take_snapshot(const std::shared_ptr<SessionFactory>& sessions,
                                        const std::vector<TableRequest>& tables, const LaneMaker& make_lane) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::seconds(1));
    if (auto snapshot = try_once(sessions, tables, make_lane)) return snapshot;
  }
  throw Error(ErrorKind::retryable, "tables are being replaced or partitions attached while the snapshot is taken",
              sessions->where(), "run again when the change is done");
}

}  // namespace pulk::postgres
