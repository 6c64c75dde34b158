#include "warehouse/duckdb/duckdb_session.h"

#include <algorithm>

#include "base/log.h"
#include "base/steps.h"
#include "base/strings.h"
#include "warehouse/duckdb/duckdb_catalog.h"
#include "warehouse/staged_files.h"

namespace pulk {

namespace {

// read_parquet() takes patterns. A path that has a pattern's characters is written so that each means itself. There is
// no way to write a backslash in a pattern: it becomes "any character", and the count gate stands behind it.
std::string exact_path(const std::string& path) {
  if (path.find_first_of("*?[") == std::string::npos) return path;
  std::string pattern;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[') pattern += std::string("[") + c + "]";
    else pattern += c == '\\' ? '?' : c;
  }
  return pattern;
}

// Rows narrower than this need no more memory than any others.
constexpr std::int64_t kWideRow = 4LL << 20;

}  // namespace

DuckdbSession::DuckdbSession(const std::string& path, std::chrono::milliseconds wait, std::int64_t memory, bool create,
                             CancelToken* cancel)
    : file_(path, wait, memory, create, cancel), marks_(file_, duckdb::own_prefix(file_)), cancel_(cancel) {}

void DuckdbSession::guarded(const std::string& subject, bool fatal, const std::function<void()>& work) {
  if (wrecked_) throw Error(ErrorKind::internal, "a session that failed was used again", file_.path());
  if (cancel_ != nullptr) cancel_->check();
  try {
    work();
  } catch (const Error& error) {
    wrecked_ = wrecked_ || fatal;
    // An error that has its subject was made by pulk; the others are DuckDB's words.
    if (!error.subject().empty()) throw;
    throw duckdb_error(error, file_.path(), subject);
  } catch (...) {
    wrecked_ = wrecked_ || fatal;
    throw;
  }
}

std::string DuckdbSession::staging(const std::string& run, const QualifiedName& target) const {
  return duckdb::full_name(file_, target.schema, duckdb::staging_name(run, target));
}

bool DuckdbSession::has_own_tables() { return duckdb::table_exists(file_, duckdb::kOwnSchema, "width"); }

void DuckdbSession::create_own_tables() {
  if (has_own_tables()) return;
  DuckdbTransaction transaction(file_);
  file_.execute("CREATE SCHEMA IF NOT EXISTS " + quote_double(file_.catalog()) + "." +
                quote_double(duckdb::kOwnSchema));
  marks_.create_tables();
  file_.execute("CREATE TABLE IF NOT EXISTS " + duckdb::own_prefix(file_) +
                "made (target VARCHAR NOT NULL, ddl VARCHAR NOT NULL)");
  file_.execute("CREATE TABLE IF NOT EXISTS " + duckdb::own_prefix(file_) +
                "width (target VARCHAR NOT NULL, widest_row BIGINT NOT NULL)");
  transaction.commit();
}

std::optional<DeployedTable> DuckdbSession::describe(const QualifiedName& table) {
  std::optional<DeployedTable> found;
  guarded(table.display(), false, [&] { found = duckdb::describe(file_, table); });
  return found;
}

void DuckdbSession::create_staging(const RunIdentity& who, const TablePlan& plan, bool any_loaded) {
  const QualifiedName& target = plan.target;
  if (!duckdb::schema_exists(file_, target.schema))
    file_.execute("CREATE SCHEMA " + quote_double(file_.catalog()) + "." + quote_double(target.schema));
  if (duckdb::table_exists(file_, target.schema, duckdb::staging_name(who.run, target))) return;
  std::string columns;
  for (const ColumnPlan& column : plan.columns) {
    if (iequals(column.target_name, duckdb::kPartitionColumn))
      throw Error(ErrorKind::refused, "the column name " + column.target_name + " is pulk's own", target.display(),
                  "map the column to another name");
    columns += quote_double(column.target_name) + " " + column.target_type + ", ";
  }
  file_.execute("CREATE TABLE " + staging(who.run, target) + " (" + columns + duckdb::kPartitionColumn +
                " INTEGER)");
  if (!any_loaded) return;
  // Somebody dropped the staging table of an unfinished run: what the marks call loaded is not there any more.
  marks_.reset_all(who.run, duckdb::target_of(target));
  log_warning("the staging table of " + target.display() + " was gone: all its partitions are loaded again");
}

std::vector<Mark> DuckdbSession::take(const RunIdentity& who, const TablePlan& plan) {
  std::vector<Mark> marks;
  guarded(plan.target.display(), false, [&] {
    const Marks::Target target = duckdb::target_of(plan.target);
    create_own_tables();
    marks = marks_.look(who.run, target);
    if (Marks::published(marks)) return;
    duckdb::refuse_view(file_, plan.target);
    const bool any_loaded =
        std::any_of(marks.begin(), marks.end(), [](const Mark& m) { return m.state == MarkState::loaded; });
    DuckdbTransaction transaction(file_);
    marks_.take(who, target, plan.partitions);
    create_staging(who, plan, any_loaded);
    transaction.commit();
    marks = marks_.look(who.run, target);
  });
  return marks;
}

void DuckdbSession::reset(const RunIdentity& who, const TablePlan& plan, const std::string& partition,
                          std::int64_t fence) {
  guarded(plan.target.display(), false, [&] {
    DuckdbTransaction transaction(file_);
    marks_.reset(who.run, duckdb::target_of(plan.target), partition, fence);
    transaction.commit();
  });
}

void DuckdbSession::restamp(const RunIdentity& who, const TablePlan& plan, const std::string& partition,
                            std::int64_t fence, const std::string& snapshot) {
  guarded(plan.target.display(), false, [&] {
    DuckdbTransaction transaction(file_);
    marks_.restamp(who.run, duckdb::target_of(plan.target), partition, fence, snapshot);
    transaction.commit();
  });
}

LoadResult DuckdbSession::load(const RunIdentity& who, const TablePlan& plan, const Stage& stage,
                               const PartitionLoad& load) {
  LoadResult result;
  const std::string subject = plan.target.display() + " partition " + std::to_string(load.ordinal);
  guarded(subject, true, [&] {
    std::string files, names, values;
    for (const std::string& path : staged_paths(stage.location(), load.files))
      files += (files.empty() ? "" : ", ") + sql_literal(exact_path(path));
    for (const ColumnPlan& column : plan.columns) {
      names += quote_double(column.target_name) + ", ";
      values += column.load_expression + ", ";
    }
    const std::string table = staging(who.run, plan.target);
    const std::string ordinal = std::to_string(load.ordinal);
    const WideRows room(file_, load.widest_row, plan.columns.size());
    DuckdbTransaction transaction(file_);
    step("load.begun");
    file_.execute("DELETE FROM " + table + " WHERE " + duckdb::kPartitionColumn + " = " + ordinal);
    if (!files.empty())
      result.rows = file_.execute("INSERT INTO " + table + " (" + names + duckdb::kPartitionColumn + ") SELECT " +
                                  values + ordinal + " FROM read_parquet([" + files +
                                  "], hive_partitioning = false, union_by_name = false)");
    step("load.data_in");
    if (result.rows != load.rows)
      throw Error(ErrorKind::integrity,
                  format_count(result.rows) + " rows arrived where " + format_count(load.rows) + " were encoded",
                  subject);
    if (load.widest_row >= kWideRow) duckdb::remember_width(file_, plan.target, load.widest_row);
    marks_.set_loaded(who.run, duckdb::target_of(plan.target), load);
    step("load.marked");
    transaction.commit();
  });
  return result;
}

void DuckdbSession::clean(const RunIdentity& who, const QualifiedName& target, bool forget) {
  guarded(target.display(), false, [&] {
    if (!has_own_tables()) return;
    DuckdbTransaction transaction(file_);
    file_.execute("DROP TABLE IF EXISTS " + staging(who.run, target));
    marks_.remove(who.run, duckdb::target_of(target), forget);
    transaction.commit();
  });
}

std::vector<WarehouseSession::Leftover> DuckdbSession::leftovers() {
  std::vector<Leftover> found;
  guarded(file_.path(), false, [&] {
    if (!has_own_tables()) return;
    for (const Marks::Trace& trace : marks_.traces()) {
      const QualifiedName& target = trace.target.name;
      const std::string name = duckdb::staging_name(trace.run, target);
      if (duckdb::table_exists(file_, target.schema, name)) {
        const std::int64_t rows = file_.number("SELECT count(*) FROM " + staging(trace.run, target));
        found.push_back({trace.run, target, "staging table " + name + " (" + format_count(rows) + " rows)",
                         trace.owner});
      }
      if (trace.leased)
        found.push_back({trace.run, target, "lease of " + trace.owner + " since " + trace.since, trace.owner});
      if (trace.marks > 0) found.push_back({trace.run, target, format_count(trace.marks) + " marks", trace.owner});
    }
  });
  return found;
}

}  // namespace pulk
