#include "state/sqlite/sqlite_store.h"

#include <fmt/format.h>

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/sqlite_db.h"
#include "base/strings.h"
#include "catalog/plan_json.h"
#include "state/sqlite/load_statements.h"
#include "state/sqlite/workspace_owner.h"

namespace pulk {

namespace {

// Each entry brings a ledger from version i to i + 1; the version is SQLite's user_version. Entries are never changed,
// only added.
constexpr std::string_view kUpgrades[] = {
    R"sql(
CREATE TABLE owner (id INTEGER PRIMARY KEY CHECK (id = 1), token TEXT NOT NULL, host TEXT NOT NULL,
                    pid INTEGER NOT NULL, start_time TEXT NOT NULL, heartbeat INTEGER NOT NULL);
CREATE TABLE run (id TEXT PRIMARY KEY, workflow TEXT NOT NULL, config TEXT NOT NULL, target TEXT NOT NULL,
                  sample_rows INTEGER NOT NULL, state TEXT NOT NULL, started TEXT NOT NULL, finished TEXT);
CREATE TABLE tbl (run TEXT NOT NULL REFERENCES run, ordinal INTEGER NOT NULL, plan TEXT NOT NULL,
                  state TEXT NOT NULL, snapshot TEXT, level TEXT, source_count INTEGER, rows INTEGER,
                  error TEXT, error_class INTEGER, PRIMARY KEY (run, ordinal)) WITHOUT ROWID;
CREATE TABLE partition (run TEXT NOT NULL, tbl INTEGER NOT NULL, ordinal INTEGER NOT NULL, id TEXT NOT NULL,
                        state TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, snapshot TEXT,
                        rows_read INTEGER, rows_encoded INTEGER, rows_loaded INTEGER, bytes INTEGER,
                        extract_seconds REAL, load_seconds REAL, error TEXT,
                        PRIMARY KEY (run, tbl, ordinal), FOREIGN KEY (run, tbl) REFERENCES tbl) WITHOUT ROWID;
CREATE TABLE file (run TEXT NOT NULL, tbl INTEGER NOT NULL, partition INTEGER NOT NULL, name TEXT NOT NULL,
                   rows INTEGER NOT NULL, bytes INTEGER NOT NULL, digest TEXT NOT NULL,
                   PRIMARY KEY (run, tbl, partition, name)) WITHOUT ROWID;
)sql",
    // Partition 0: the statements that published the table.
    R"sql(
CREATE TABLE statement (run TEXT NOT NULL, tbl INTEGER NOT NULL, partition INTEGER NOT NULL, ordinal INTEGER NOT NULL,
                        query_id TEXT NOT NULL, seconds REAL NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
                        PRIMARY KEY (run, tbl, partition, ordinal)) WITHOUT ROWID;
)sql",
};
constexpr int kVersion = static_cast<int>(std::size(kUpgrades));

template <typename State>
State parse_state(const std::string& text, std::initializer_list<State> all) {
  for (const State state : all)
    if (to_string(state) == text) return state;
  throw Error(ErrorKind::internal, "unknown state in the ledger: " + text);
}

RunRecord read_run(const SqliteStatement& row) {
  RunRecord run;
  run.id = row.text(0);
  run.workflow = row.text(1);
  run.config = row.text(2);
  run.target = row.text(3);
  run.sample_rows = row.integer(4);
  run.state = parse_state(row.text(5),
                          {RunState::running, RunState::finished, RunState::failed, RunState::abandoned});
  run.started = row.text(6);
  run.finished = row.text(7);
  return run;
}

constexpr std::string_view kRunColumns = "id, workflow, config, target, sample_rows, state, started, finished";

class SqliteStore final : public StateStore {
 public:
  explicit SqliteStore(const WorkspaceOptions& options) {
    namespace fs = std::filesystem;
    const fs::path folder(options.folder);
    const fs::path path = folder / "ledger.sqlite";
    if (!options.read_only) {
      std::error_code code;
      fs::create_directories(folder, code);
      if (code) throw Error(ErrorKind::usage, "cannot be made: " + code.message(), folder.string());
      fs::permissions(folder, fs::perms::owner_all, code);
    } else if (!fs::exists(path)) {
      throw Error(ErrorKind::usage, "there is no ledger here", folder.string(),
                  "name the workspace of the run with --workspace");
    }
    db_ = std::make_unique<SqliteDb>(path.string(), options.read_only, std::chrono::seconds(30));
    if (!options.read_only) {
      db_->execute("PRAGMA journal_mode=WAL");
      // The marks in the target are the truth; FULL all the same, so that a power cut costs no work either.
      db_->execute("PRAGMA synchronous=FULL");
      db_->execute("PRAGMA foreign_keys=ON");
    }
    upgrade(options.read_only);
    if (!options.read_only)
      owner_ = std::make_unique<WorkspaceOwner>(*db_, path.string(), options.lease, options.on_lost);
  }

  void create_run(const RunRecord& run, const std::vector<TablePlan>& plans) override {
    write([&] {
      SqliteStatement(*db_, fmt::format("INSERT INTO run ({}) VALUES (?,?,?,?,?,?,?,NULL)", kRunColumns))
          .arg(run.id).arg(run.workflow).arg(run.config).arg(run.target).arg(run.sample_rows)
          .arg(to_string(run.state)).arg(run.started).run();
      std::int64_t ordinal = 0;
      for (const TablePlan& plan : plans)
        SqliteStatement(*db_, "INSERT INTO tbl (run, ordinal, plan, state) VALUES (?,?,?,'planned')")
            .arg(run.id).arg(ordinal++).arg(plan_to_json(plan)).run();
    });
  }

  void check_owned() override {
    std::lock_guard lock(mutex_);
    owner_->check(*db_);
  }

  std::optional<RunRecord> find_run(const std::string& id) override {
    std::lock_guard lock(mutex_);
    SqliteStatement query(*db_, fmt::format("SELECT {} FROM run WHERE id = ?", kRunColumns));
    if (!query.arg(id).step()) return std::nullopt;
    return read_run(query);
  }

  std::optional<RunRecord> unfinished_run(const std::string& workflow) override {
    std::lock_guard lock(mutex_);
    SqliteStatement query(*db_, fmt::format("SELECT {} FROM run WHERE workflow = ? AND state IN ('running', 'failed') "
                                            "ORDER BY started DESC, id DESC LIMIT 1", kRunColumns));
    if (!query.arg(workflow).step()) return std::nullopt;
    return read_run(query);
  }

  std::vector<RunRecord> runs() override {
    std::lock_guard lock(mutex_);
    SqliteStatement query(*db_, fmt::format("SELECT {} FROM run ORDER BY started DESC, id DESC", kRunColumns));
    std::vector<RunRecord> all;
    while (query.step()) all.push_back(read_run(query));
    return all;
  }

  void set_run_state(const std::string& run, RunState state) override {
    write([&] {
      SqliteStatement(*db_, "UPDATE run SET state = ?, finished = ? WHERE id = ?")
          .arg(to_string(state)).arg(utc_now()).arg(run).run();
    });
  }

  void freeze_table(const std::string& run, int ordinal, const TablePlan& plan) override {
    write([&] {
      SqliteStatement(*db_, "UPDATE tbl SET plan = ?, state = 'frozen' WHERE run = ? AND ordinal = ?")
          .arg(plan_to_json(plan)).arg(run).arg(std::int64_t{ordinal}).run();
      for (const PartitionPlan& partition : plan.partitions)
        SqliteStatement(*db_, "INSERT INTO partition (run, tbl, ordinal, id, state) VALUES (?,?,?,?,'pending')")
            .arg(run).arg(std::int64_t{ordinal}).arg(std::int64_t{partition.ordinal}).arg(partition.id).run();
    });
  }

  std::vector<TableRecord> tables(const std::string& run) override {
    std::lock_guard lock(mutex_);
    std::vector<TableRecord> all;
    SqliteStatement query(*db_, "SELECT ordinal, plan, state, snapshot, level, ifnull(source_count, -1), "
                                "ifnull(rows, 0), error, ifnull(error_class, 0) FROM tbl WHERE run = ? ORDER BY ordinal");
    query.arg(run);
    while (query.step()) {
      TableRecord table;
      table.ordinal = static_cast<int>(query.integer(0));
      table.plan = plan_from_json(query.text(1));
      table.state = parse_state(query.text(2), {TableState::planned, TableState::frozen, TableState::published,
                                                TableState::failed});
      table.snapshot = query.text(3);
      table.level = query.text(4);
      table.source_count = query.integer(5);
      table.rows = query.integer(6);
      table.error = query.text(7);
      table.error_class = static_cast<int>(query.integer(8));
      table.statements = statements_of(run, table.ordinal, kPublishing);
      SqliteStatement parts(*db_, "SELECT ordinal, id, state, attempt, snapshot, rows_read, rows_encoded, rows_loaded, "
                                  "bytes, extract_seconds, load_seconds, error FROM partition "
                                  "WHERE run = ? AND tbl = ? ORDER BY ordinal");
      parts.arg(run).arg(std::int64_t{table.ordinal});
      while (parts.step()) {
        PartitionRecord p;
        p.ordinal = static_cast<int>(parts.integer(0));
        p.id = parts.text(1);
        p.state = parse_state(parts.text(2),
                              {PartitionState::pending, PartitionState::staged, PartitionState::loaded});
        p.attempt = static_cast<int>(parts.integer(3));
        p.snapshot = parts.text(4);
        p.rows_read = parts.integer(5);
        p.rows_encoded = parts.integer(6);
        p.rows_loaded = parts.integer(7);
        p.bytes = parts.integer(8);
        p.extract_seconds = parts.real(9);
        p.load_seconds = parts.real(10);
        p.error = parts.text(11);
        p.statements = statements_of(run, table.ordinal, p.ordinal);
        table.partitions.push_back(std::move(p));
      }
      all.push_back(std::move(table));
    }
    return all;
  }

  void set_source_count(const std::string& run, int ordinal, std::int64_t rows) override {
    write([&] {
      SqliteStatement(*db_, "UPDATE tbl SET source_count = ? WHERE run = ? AND ordinal = ?")
          .arg(rows).arg(run).arg(std::int64_t{ordinal}).run();
    });
  }

  void set_table_published(const std::string& run, int ordinal, const std::string& snapshot, const std::string& level,
                           std::int64_t rows, const std::vector<LoadStatement>& statements) override {
    write([&] {
      set_statements(*db_, run, ordinal, kPublishing, statements);
      SqliteStatement(*db_, "UPDATE tbl SET state = 'published', snapshot = ?, level = ?, rows = ?, "
                            "error = NULL, error_class = NULL WHERE run = ? AND ordinal = ?")
          .arg(snapshot).arg(level).arg(rows).arg(run).arg(std::int64_t{ordinal}).run();
    });
  }

  void set_table_failed(const std::string& run, int ordinal, const std::string& error, int error_class) override {
    write([&] {
      // A table whose partitions are frozen stays so: they are what the next run resumes.
      SqliteStatement(*db_, "UPDATE tbl SET state = CASE state WHEN 'planned' THEN 'planned' ELSE state END, "
                            "error = ?, error_class = ? WHERE run = ? AND ordinal = ? AND state <> 'published'")
          .arg(error).arg(std::int64_t{error_class}).arg(run).arg(std::int64_t{ordinal}).run();
    });
  }

  int begin_attempt(const std::string& run, int table, int partition) override {
    int attempt = 0;
    write([&] {
      SqliteStatement query(*db_, "UPDATE partition SET attempt = attempt + 1, state = 'pending', error = NULL "
                                  "WHERE run = ? AND tbl = ? AND ordinal = ? RETURNING attempt");
      query.arg(run).arg(std::int64_t{table}).arg(std::int64_t{partition});
      if (!query.step()) throw Error(ErrorKind::internal, "a partition is not in the ledger");
      attempt = static_cast<int>(query.integer(0));
      query.run();
      forget_statements(*db_, run, table, partition);
    });
    return attempt;
  }

  void set_partition_staged(const std::string& run, int table, const PartitionRecord& p,
                            const std::vector<StagedFile>& files) override {
    write([&] {
      SqliteStatement(*db_, "UPDATE partition SET state = 'staged', snapshot = ?, rows_read = ?, rows_encoded = ?, "
                            "rows_loaded = NULL, bytes = ?, extract_seconds = ? "
                            "WHERE run = ? AND tbl = ? AND ordinal = ?")
          .arg(p.snapshot).arg(p.rows_read).arg(p.rows_encoded).arg(p.bytes).arg(p.extract_seconds)
          .arg(run).arg(std::int64_t{table}).arg(std::int64_t{p.ordinal}).run();
      SqliteStatement(*db_, "DELETE FROM file WHERE run = ? AND tbl = ? AND partition = ?")
          .arg(run).arg(std::int64_t{table}).arg(std::int64_t{p.ordinal}).run();
      for (const StagedFile& file : files)
        SqliteStatement(*db_, "INSERT INTO file VALUES (?,?,?,?,?,?,?)")
            .arg(run).arg(std::int64_t{table}).arg(std::int64_t{p.ordinal}).arg(file.name).arg(file.rows)
            .arg(file.bytes).arg(file.digest).run();
    });
  }

  void set_partition_loaded(const std::string& run, int table, const PartitionRecord& p) override {
    write([&] {
      SqliteStatement(*db_, "UPDATE partition SET state = 'loaded', snapshot = ?, rows_loaded = ?, "
                            "load_seconds = ?, error = NULL WHERE run = ? AND tbl = ? AND ordinal = ?")
          .arg(p.snapshot).arg(p.rows_loaded).arg(p.load_seconds)
          .arg(run).arg(std::int64_t{table}).arg(std::int64_t{p.ordinal}).run();
      set_statements(*db_, run, table, p.ordinal, p.statements);
    });
  }

  void set_partition_error(const std::string& run, int table, int partition, const std::string& error) override {
    write([&] {
      SqliteStatement(*db_, "UPDATE partition SET error = ? WHERE run = ? AND tbl = ? AND ordinal = ?")
          .arg(error).arg(run).arg(std::int64_t{table}).arg(std::int64_t{partition}).run();
    });
  }

  std::vector<StagedFile> files(const std::string& run, int table, int partition) override {
    std::lock_guard lock(mutex_);
    SqliteStatement query(*db_, "SELECT name, rows, bytes, digest FROM file WHERE run = ? AND tbl = ? AND partition = ? "
                                "ORDER BY name");
    query.arg(run).arg(std::int64_t{table}).arg(std::int64_t{partition});
    std::vector<StagedFile> all;
    while (query.step()) all.push_back({query.text(0), query.integer(1), query.integer(2), query.text(3)});
    return all;
  }

 private:
  template <typename Work>
  void write(Work&& work) {
    std::lock_guard lock(mutex_);
    SqliteTransaction transaction(*db_);
    owner_->check(*db_);
    work();
    transaction.commit();
  }

  std::vector<LoadStatement> statements_of(const std::string& run, int table, int partition) {
    return has_statements_ ? read_statements(*db_, run, table, partition) : std::vector<LoadStatement>{};
  }

  void upgrade(bool read_only) {
    const auto version = [&] {
      SqliteStatement query(*db_, "PRAGMA user_version");
      query.step();
      return static_cast<int>(query.integer(0));
    };
    int found = version();
    if (found > kVersion)
      throw Error(ErrorKind::usage, fmt::format("the ledger has version {}, this program knows up to {}", found, kVersion),
                  db_->path(), "use the newer pulk that made it");
    if (found == kVersion) return;
    if (read_only && found == 0)
      throw Error(ErrorKind::usage, "the ledger is empty", db_->path(), "run `pulk migrate` here: it makes it");
    if (read_only) {
      has_statements_ = false;
      return;
    }
    SqliteTransaction transaction(*db_);
    found = version();  // another process may have been first
    for (; found < kVersion; ++found) db_->execute(kUpgrades[found]);
    db_->execute(fmt::format("PRAGMA user_version = {}", kVersion));
    transaction.commit();
  }

  std::mutex mutex_;
  bool has_statements_ = true;  // false: opened to be read, and still of version 1
  std::unique_ptr<SqliteDb> db_;
  std::unique_ptr<WorkspaceOwner> owner_;
};

}  // namespace

std::unique_ptr<StateStore> open_sqlite_store(const WorkspaceOptions& options) {
  return std::make_unique<SqliteStore>(options);
}

}  // namespace pulk
