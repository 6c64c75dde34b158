#include "warehouse/files/files_session.h"

#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include "base/cancel.h"
#include "base/error.h"
#include "base/log.h"
#include "base/steps.h"
#include "base/strings.h"
#include "stage/local/local_file.h"
#include "warehouse/files/layout.h"
#include "warehouse/staged_files.h"

namespace pulk::files {

namespace {

namespace fs = std::filesystem;

// Creates what is needed for the marks, or refuses; gives the path of the marks.
std::string prepare(const std::string& root, bool create) {
  const std::string path = marks_path(root);
  std::error_code why;
  if (!create) {
    if (!fs::exists(path, why))
      throw Error(ErrorKind::usage, "there is no target of pulk in this folder", root,
                  "check the path in the connections file");
    return path;
  }
  make_folders(fs::path(path).parent_path().string());
  return path;
}

std::int64_t rows_in_footer(const std::string& path) {
  try {
    return parquet::ParquetFileReader::OpenFile(path)->metadata()->num_rows();
  } catch (const parquet::ParquetException& error) {
    throw Error(ErrorKind::integrity, std::string("is not a whole Parquet file: ") + error.what(), path);
  }
}

std::string file_rows_of(const std::string& run, const Marks::Target& target) {
  return " WHERE run = " + sql_literal(run) + " AND target = " + sql_literal(target.key);
}

}  // namespace

Marks::Target target_of(const QualifiedName& table) {
  return {folder_name(table.schema) + "/" + folder_name(table.table), table};
}

std::int64_t SqliteChannel::execute(const std::string& sql) {
  db_.execute(sql);
  return db_.changes();
}

std::vector<std::vector<std::string>> SqliteChannel::query(const std::string& sql) {
  std::vector<std::vector<std::string>> rows;
  const auto add_row = [](void* out, int width, char** values, char**) {
    auto& row = static_cast<std::vector<std::vector<std::string>>*>(out)->emplace_back();
    for (int c = 0; c < width; ++c) row.emplace_back(values[c] != nullptr ? values[c] : "");
    return 0;
  };
  const int code = sqlite3_exec(db_.handle(), sql.c_str(), add_row, &rows, nullptr);
  if (code != SQLITE_OK) db_.fail(code);
  return rows;
}

FilesSession::FilesSession(std::string root, std::chrono::milliseconds wait, bool create, CancelToken* cancel)
    : root_(std::move(root)),
      wait_(wait),
      cancel_(cancel),
      // The lock is waited for in transact(), where a cancel is seen.
      db_(prepare(root_, create), false, std::chrono::milliseconds(50)),
      channel_(db_),
      marks_(channel_, "") {
  // A rollback journal works on every file system that has locks, WAL only where memory can be shared. EXTRA also
  // syncs the folder after the journal is gone: a commit that was answered stays one.
  db_.execute("PRAGMA synchronous = EXTRA");
  transact([&] {
    marks_.create_tables();
    db_.execute(
        "CREATE TABLE IF NOT EXISTS file (run VARCHAR NOT NULL, target VARCHAR NOT NULL, \"partition\" VARCHAR NOT "
        "NULL,"
        " place INTEGER NOT NULL, name VARCHAR NOT NULL, \"rows\" BIGINT NOT NULL, bytes BIGINT NOT NULL,"
        " digest VARCHAR NOT NULL, PRIMARY KEY (run, target, \"partition\", place))");
  });
}

void FilesSession::transact(const std::function<void()>& work) {
  const auto deadline = std::chrono::steady_clock::now() + wait_;
  while (true) {
    if (cancel_ != nullptr) cancel_->check();
    std::optional<SqliteTransaction> transaction;
    try {
      transaction.emplace(db_);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::retryable || std::chrono::steady_clock::now() >= deadline) throw;
      continue;
    }
    work();
    transaction->commit();
    return;
  }
}

std::optional<DeployedTable> FilesSession::describe(const QualifiedName& table) {
  const std::string folder = table_folder(root_, table);
  const auto version = current_version(folder);
  if (!version) return std::nullopt;
  const Manifest manifest = read_manifest(folder + "/" + *version);
  DeployedTable deployed = manifest.shape;
  deployed.rows = manifest.rows();
  return deployed;
}

void FilesSession::settle(const std::string& run, const QualifiedName& target) {
  if (current_version(table_folder(root_, target)) != version_name(run)) return;
  for (const Mark& mark : marks_.look(run, target_of(target))) {
    if (!mark.partition.empty() || mark.state == MarkState::published) continue;
    sync_folder(table_folder(root_, target));
    const Manifest manifest = read_manifest(version_folder(root_, target, run));
    marks_.set_published(run, target_of(target), mark.fence, manifest.rows_of(run));
  }
}

std::vector<Mark> FilesSession::take(const RunIdentity& who, const TablePlan& plan) {
  const Marks::Target target = target_of(plan.target);
  std::vector<Mark> marks;
  transact([&] {
    settle(who.run, plan.target);
    marks = marks_.look(who.run, target);
    if (Marks::published(marks)) return;
    marks_.take(who, target, plan.partitions);
    marks = marks_.look(who.run, target);
  });
  return marks;
}

void FilesSession::reset(const RunIdentity& who, const TablePlan& plan, const std::string& partition,
                         std::int64_t fence) {
  transact([&] { marks_.reset(who.run, target_of(plan.target), partition, fence); });
}

void FilesSession::restamp(const RunIdentity& who, const TablePlan& plan, const std::string& partition,
                           std::int64_t fence, const std::string& snapshot) {
  transact([&] { marks_.restamp(who.run, target_of(plan.target), partition, fence, snapshot); });
}

LoadResult FilesSession::load(const RunIdentity& who, const TablePlan& plan, const Stage& stage,
                              const PartitionLoad& load) {
  const Marks::Target target = target_of(plan.target);
  const std::string folder = version_folder(root_, plan.target, who.run);
  LoadResult result;
  const std::vector<std::string> paths = staged_paths(stage.location(), load.files);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::int64_t rows = rows_in_footer(paths[i]);
    if (rows != load.files[i].rows)
      throw Error(ErrorKind::integrity,
                  "the file has " + format_count(rows) + " rows where " + format_count(load.files[i].rows) +
                      " were encoded",
                  paths[i]);
    result.rows += rows;
  }
  if (result.rows != load.rows)
    throw Error(ErrorKind::integrity,
                format_count(result.rows) + " rows arrived where " + format_count(load.rows) + " were encoded",
                plan.target.display() + " partition " + std::to_string(load.ordinal));
  transact([&] {
    step("load.begun");
    // First the fence: who has lost it must not put a file where readers will look for it.
    marks_.set_loaded(who.run, target, load);
    const std::string partition = " AND \"partition\" = " + sql_literal(load.partition);
    db_.execute("DELETE FROM file" + file_rows_of(who.run, target) + partition);
    for (std::size_t i = 0; i < load.files.size(); ++i) {
      const StagedFile& file = load.files[i];
      SqliteStatement insert(db_, "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
      insert.arg(who.run).arg(target.key).arg(load.partition).arg(static_cast<std::int64_t>(i));
      insert.arg(file.name).arg(file.rows).arg(file.bytes).arg(file.digest);
      insert.run();
    }
    if (!paths.empty()) make_folders(folder);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const std::string to = folder + "/" + load.files[i].name;
      if (::link(paths[i].c_str(), to.c_str()) != 0 && errno != EEXIST) throw_file_error(errno, "link", to);
    }
    if (!paths.empty()) sync_folder(folder);
    step("load.data_in");
    step("load.marked");
  });
  return result;
}

std::vector<ManifestFile> FilesSession::loaded_files(const std::string& run, const QualifiedName& target) {
  std::vector<ManifestFile> files;
  SqliteStatement select(db_,
                         "SELECT f.name, f.\"rows\", f.bytes, f.digest, m.snapshot FROM file f JOIN mark m USING (run, "
                         "target, \"partition\") WHERE f.run = ? AND f.target = ? ORDER BY f.name");
  select.arg(run).arg(target_of(target).key);
  while (select.step()) {
    ManifestFile entry;
    entry.file = {select.text(0), select.integer(1), select.integer(2), select.text(3)};
    entry.run = run;
    entry.snapshot = select.text(4);
    files.push_back(std::move(entry));
  }
  return files;
}

// The files of the current version, linked into the new one, in a folder of their own: the names of two runs may meet.
std::vector<ManifestFile> FilesSession::carry_over(const QualifiedName& target, const std::string& run) {
  const std::string table = table_folder(root_, target);
  const auto current = current_version(table);
  if (!current) return {};
  const std::string from = table + "/" + *current;
  const std::string to = table + "/" + version_name(run);
  std::vector<ManifestFile> carried = read_manifest(from).files;
  if (!carried.empty()) make_folders(to + "/earlier");
  for (ManifestFile& entry : carried) {
    const std::string old_path = from + "/" + entry.file.name;
    if (!entry.file.name.starts_with("earlier/")) entry.file.name = "earlier/" + entry.run + "-" + entry.file.name;
    const std::string path = to + "/" + entry.file.name;
    if (::link(old_path.c_str(), path.c_str()) != 0 && errno != EEXIST) throw_file_error(errno, "link", path);
  }
  if (!carried.empty()) sync_folder(to + "/earlier");
  return carried;
}

// Readers may take every Parquet file of a version: those of loads that were not committed, or of a partition that was
// read again, have to go before it is current.
void FilesSession::drop_unlisted(const std::string& folder, const Manifest& manifest) {
  std::set<std::string> listed{"manifest.json"};
  for (const ManifestFile& entry : manifest.files) listed.insert(entry.file.name);
  std::vector<fs::path> unlisted;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory() && !listed.contains(fs::relative(entry.path(), folder).string()))
      unlisted.push_back(entry.path());
  }
  for (const fs::path& path : unlisted) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw_file_error(errno, "remove", path.string());
  }
}

std::int64_t FilesSession::publish(const RunIdentity& who, const TablePlan& plan, PublishMode mode,
                                   std::int64_t fence) {
  const Marks::Target target = target_of(plan.target);
  const std::string table = table_folder(root_, plan.target);
  const std::string folder = version_folder(root_, plan.target, who.run);
  std::optional<std::string> previous;
  std::int64_t rows = 0;
  transact([&] {
    settle(who.run, plan.target);
    for (const Mark& mark : marks_.look(who.run, target)) {
      if (mark.partition.empty() && mark.state == MarkState::published && mark.fence == fence) {
        rows = mark.rows;
        return;
      }
    }
    step("publish.begun");
    rows = marks_.rows_to_publish(who.run, plan, target);
    // Before anything that a reader could see: nobody can move the mark while the lock is held, so what is right here
    // is right at the end.
    marks_.set_published(who.run, target, fence, rows);

    make_folders(folder);
    previous = current_version(table);
    Manifest manifest;
    manifest.table = plan.target;
    manifest.run = who.run;
    for (const ColumnPlan& column : plan.columns)
      manifest.shape.columns.push_back({column.target_name, column.target_type, column.nullable});
    manifest.shape.primary_key = plan.primary_key;
    std::vector<StagedFile> own;
    std::set<std::string> snapshots;
    manifest.files = loaded_files(who.run, plan.target);
    for (const ManifestFile& entry : manifest.files) {
      own.push_back(entry.file);
      snapshots.insert(entry.snapshot);
    }
    if (snapshots.size() == 1) manifest.snapshot = *snapshots.begin();
    staged_paths(folder, own);
    if (manifest.rows() != rows)
      throw Error(ErrorKind::integrity,
                  "the files have " + format_count(manifest.rows()) + " rows where the marks say " + format_count(rows),
                  plan.target.display());
    if (mode == PublishMode::append) {
      const auto carried = carry_over(plan.target, who.run);
      manifest.files.insert(manifest.files.begin(), carried.begin(), carried.end());
    }
    drop_unlisted(folder, manifest);
    write_durably(manifest_path(folder), to_json(manifest));
    make_current(table, version_name(who.run));
    step("publish.data_in");
    step("publish.marked");
  });
  remove_old_versions(plan.target, previous);
  return rows;
}

void FilesSession::remove_old_versions(const QualifiedName& target, const std::optional<std::string>& previous) {
  try {
    std::set<std::string> old;
    if (previous) old.insert(*previous);
    for (const std::string& run : marks_.published_runs(target_of(target))) old.insert(version_name(run));
    const std::string table = table_folder(root_, target);
    const auto current = current_version(table);
    for (const std::string& version : versions(table)) {
      if (version != current && old.contains(version)) remove_tree(table + "/" + version);
    }
  } catch (const Error& error) {
    // The table is published; that an old version still takes room is no reason to call it failed.
    log_warning(std::string("an old version could not be removed: ") + error.what());
  }
}

void FilesSession::clean(const RunIdentity& who, const QualifiedName& target, bool forget) {
  transact([&] {
    settle(who.run, target);
    marks_.remove(who.run, target_of(target), forget);
    db_.execute("DELETE FROM file" + file_rows_of(who.run, target_of(target)));
    remove_stage(root_, target, who.run);
    // While the lock is held: nobody can publish the folder that is being removed.
    if (current_version(table_folder(root_, target)) != version_name(who.run))
      remove_tree(version_folder(root_, target, who.run));
  });
  // What publish() would have done, had the process not died right after the folder was swapped.
  if (current_version(table_folder(root_, target)) == version_name(who.run)) remove_old_versions(target, std::nullopt);
}

std::vector<WarehouseSession::Leftover> FilesSession::leftovers() {
  std::vector<Leftover> found;
  for (const Marks::Trace& trace : marks_.traces()) {
    const QualifiedName& target = trace.target.name;
    const std::string table = table_folder(root_, target);
    const std::string version = version_name(trace.run);
    std::error_code why;
    if (current_version(table) != version && fs::exists(table + "/" + version, why))
      found.push_back({trace.run, target, "unpublished version " + table + "/" + version, trace.owner});
    const std::string stage = stage_folder(root_, target, trace.run);
    if (fs::exists(stage, why) && !fs::is_empty(stage, why))
      found.push_back({trace.run, target, "files that wait in " + stage, trace.owner});
    if (trace.leased)
      found.push_back({trace.run, target, "lease of " + trace.owner + " since " + trace.since, trace.owner});
    if (trace.marks > 0) found.push_back({trace.run, target, format_count(trace.marks) + " marks", trace.owner});
  }
  return found;
}

}  // namespace pulk::files
