// Publishing in DuckDB. Two roads, both one transaction with the publish mark:
// - The target is missing, or pulk made it and nobody has changed it since: staging becomes the target by a rename. No
//   row is copied, whatever the size; views go on working, they find the table by its name.
// - The target was deployed by someone: it keeps its constraints, indexes, comments and place; its content is
//   replaced by DELETE and INSERT. Memory stays flat, except for what DuckDB keeps in memory by itself: an index.
#include <algorithm>
#include <map>

#include "base/steps.h"
#include "base/strings.h"
#include "warehouse/duckdb/duckdb_catalog.h"
#include "warehouse/duckdb/duckdb_session.h"

namespace pulk {

namespace {

// Bytes of memory that a primary key costs while it is built and committed. Measured with DuckDB 1.5: over 20 million
// BIGINTs the index takes 8 bytes per row, and the commit adds more than twice that, outside of memory_limit, when it
// writes the index to the log; text keys take in proportion to what tells them apart. With twice that as margin a
// key that fits stays within the usual peak of a load.
std::int64_t key_cost(const std::vector<ColumnPlan>& columns, const std::vector<std::string>& key, std::int64_t rows) {
  std::int64_t width = 0;
  for (const ColumnPlan& column : columns) {
    if (std::find(key.begin(), key.end(), column.target_name) == key.end()) continue;
    // The width of a text key is not known here; 48 is more than most keys have.
    const int fixed = fixed_width(column.carrier);
    width += fixed > 0 ? fixed : 48;
  }
  return rows * (32 + 4 * width);
}

}  // namespace

std::int64_t DuckdbSession::publish(const RunIdentity& who, const TablePlan& plan, PublishMode mode,
                                    std::int64_t fence) {
  std::int64_t rows = 0;
  guarded(plan.target.display(), true, [&] {
    const Marks::Target target = duckdb::target_of(plan.target);
    for (const Mark& mark : marks_.look(who.run, target)) {
      // The answer to an earlier COMMIT was lost: it is done.
      if (mark.partition.empty() && mark.state == MarkState::published && mark.fence == fence) {
        rows = mark.rows;
        return;
      }
    }
    const WideRows room(file_, duckdb::widest_row(file_, plan.target), plan.columns.size());
    DuckdbTransaction transaction(file_);
    step("publish.begun");
    rows = marks_.rows_to_publish(who.run, plan, target);
    const std::int64_t staged = file_.number("SELECT count(*) FROM " + staging(who.run, plan.target));
    if (staged != rows)
      throw Error(ErrorKind::integrity,
                  "staging has " + format_count(staged) + " rows where the marks say " + format_count(rows),
                  plan.target.display());
    duckdb::refuse_view(file_, plan.target);
    const bool exists = duckdb::table_exists(file_, plan.target.schema, plan.target.table);
    if (!exists || (mode == PublishMode::replace && duckdb::made_by_pulk(file_, plan.target))) {
      become_target(who, plan, rows, exists);
    } else {
      copy_into_target(who, plan, rows, mode);
    }
    step("publish.data_in");
    marks_.set_published(who.run, target, fence, rows);
    step("publish.marked");
    transaction.commit();
  });
  return rows;
}

void DuckdbSession::become_target(const RunIdentity& who, const TablePlan& plan, std::int64_t rows, bool drop_old) {
  const std::string table = staging(who.run, plan.target);
  if (drop_old) file_.execute("DROP TABLE " + duckdb::full_name(file_, plan.target.schema, plan.target.table));
  file_.execute("ALTER TABLE " + table + " DROP COLUMN " + duckdb::kPartitionColumn);
  for (const ColumnPlan& column : plan.columns) {
    if (!column.nullable)
      file_.execute("ALTER TABLE " + table + " ALTER COLUMN " + quote_double(column.target_name) + " SET NOT NULL");
  }
  add_primary_key(plan, table, rows);
  file_.execute("ALTER TABLE " + table + " RENAME TO " + quote_double(plan.target.table));
  duckdb::remember_made(file_, plan.target);
}

void DuckdbSession::add_primary_key(const TablePlan& plan, const std::string& table, std::int64_t rows) {
  if (plan.primary_key.empty()) return;
  const std::int64_t cost = key_cost(plan.columns, plan.primary_key, rows);
  if (cost > file_.memory()) {
    notes_.push_back(plan.target.display() + ": created without its primary key, whose index over " +
                     format_count(rows) + " rows would take about " + format_bytes(cost) + " of memory (have " +
                     format_bytes(file_.memory()) + ")");
    for (const std::string& column : plan.primary_key)
      file_.execute("ALTER TABLE " + table + " ALTER COLUMN " + quote_double(column) + " SET NOT NULL");
    return;
  }
  std::vector<std::string> quoted;
  for (const std::string& column : plan.primary_key) quoted.push_back(quote_double(column));
  file_.execute("ALTER TABLE " + table + " ADD PRIMARY KEY (" + join(quoted, ", ") + ")");
}

void DuckdbSession::copy_into_target(const RunIdentity& who, const TablePlan& plan, std::int64_t rows,
                                     PublishMode mode) {
  // The types were agreed on when the table was planned. Were they to differ now, INSERT would cast, and round.
  const auto target = duckdb::describe(file_, plan.target);
  const auto staged = duckdb::describe(
      file_, {plan.target.database, plan.target.schema, duckdb::staging_name(who.run, plan.target)});
  std::map<std::string, std::string> types;
  for (const DeployedColumn& column : target->columns) types[to_lower(column.name)] = column.type;
  std::vector<std::string> names;
  for (const DeployedColumn& column : staged->columns) {
    if (column.name == duckdb::kPartitionColumn) continue;
    const auto found = types.find(to_lower(column.name));
    if (found == types.end() || found->second != column.type)
      throw Error(
          ErrorKind::drift,
          "column " + column.name + " was planned as " + column.type +
              (found == types.end() ? ", the target has no such column" : ", the target now has " + found->second),
          plan.target.display(), "plan the table again");
    names.push_back(quote_double(column.name));
  }
  const std::string name = duckdb::full_name(file_, plan.target.schema, plan.target.table);
  const std::string columns = join(names, ", ");
  if (mode == PublishMode::replace) file_.execute("DELETE FROM " + name);
  const std::int64_t inserted = file_.execute("INSERT INTO " + name + " (" + columns + ") SELECT " + columns +
                                              " FROM " + staging(who.run, plan.target));
  if (inserted != rows)
    throw Error(ErrorKind::integrity,
                format_count(inserted) + " rows went into the target where staging has " + format_count(rows),
                plan.target.display());
}

}  // namespace pulk
