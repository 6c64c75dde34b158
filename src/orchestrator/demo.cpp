#include "orchestrator/demo.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "orchestrator/demo_sample.h"
#include "state/sqlite/sqlite_store.h"

namespace pulk::demo {

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kMarker = ".pulk-demo";

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw Error(ErrorKind::usage, "cannot be written", path.string());
}

// The scale that an earlier demo in this folder had; "" when it cannot be read.
std::string scale_of(const fs::path& marker) {
  std::ifstream file(marker);
  const auto json = ordered_json::parse(file, nullptr, false);
  return json.is_object() && json.contains("scale") && json["scale"].is_string() ? json["scale"].get<std::string>()
                                                                                 : "";
}

}  // namespace

std::string scale_text(double scale) { return fmt::format("{}", scale); }

Folder::Folder(const std::string& path, const std::string& scale, bool keep_sample)
    : path_(fs::absolute(path).lexically_normal()) {
  if (!path_.has_filename()) path_ = path_.parent_path();
  const fs::path marker = path_ / kMarker;
  std::error_code code;
  if (fs::exists(path_, code) && !fs::exists(marker, code)) {
    if (!fs::is_directory(path_, code))
      throw Error(ErrorKind::usage, "is no folder", path_.string(), "name another --dir");
    if (!fs::is_empty(path_, code))
      throw Error(ErrorKind::usage, "holds files that no demo has made", path_.string(),
                  "name a new or empty folder with --dir");
  }
  fs::create_directories(path_, code);
  if (code) throw Error(ErrorKind::usage, "cannot be made: " + code.message(), path_.string(), "name another --dir");
  lock_ = ::open(marker.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0)
    throw Error(ErrorKind::usage, std::string("cannot be written to: ") + std::strerror(errno), path_.string(),
                "name another --dir");
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    throw Error(ErrorKind::retryable, "another demo works in this folder", path_.string(),
                "wait for it, or name another --dir");
  }

  has_sample_ = keep_sample && fs::exists(sample()) && scale_of(marker) == scale;
  // By name: what a person has put beside them stays.
  std::vector<std::string> own = {workspace(), sample() + ".unfinished", sample() + ".tbl"};
  for (const char* end : {"", ".wal", ".look", ".look.wal", ".pulk-tmp"}) own.push_back(target() + end);
  if (!has_sample_) own.push_back(sample());
  for (const std::string& one : own) fs::remove_all(one, code);
  write_file(marker, ordered_json{{"made_by", "pulk demo"}, {"scale", scale}}.dump() + "\n");
}

Folder::~Folder() { ::close(lock_); }

void write_configuration(const Folder& folder, double scale) {
  // The escapes of a JSON string are those of a TOML string.
  const auto quoted = [](const std::string& text) { return nlohmann::json(text).dump(); };
  write_file(folder.path() / "configuration.toml",
             "# Made by `pulk demo`: a SQLite file through its ODBC driver, and a DuckDB file.\n"
             "[connections.source.odbc]\n"
             "driver_name = " +
                 quoted(kDriver) +
                 "\n"
                 "database = " +
                 quoted(folder.sample()) +
                 "\n\n"
                 "[connections.target.duckdb]\n"
                 "path = " +
                 quoted(folder.target()) + "\n");

  ordered_json workflow;
  workflow["tables"] = ordered_json::array();
  for (const Table& table : tables()) {
    ordered_json entry = {{"source", {{"tableName", table.name}}}, {"target", {{"tableName", table.name}}}};
    if (table.name == "lineitem" || table.name == "orders") {
      entry["columnNamesToPartitionBy"] = {table.primary_key.front()};
      const auto rows = std::max<std::int64_t>(500, static_cast<std::int64_t>(scale * 1'000'000));
      entry["partitionSize"] = {{"maxRowsPerPartition", rows}};
    }
    workflow["tables"].push_back(std::move(entry));
  }
  write_file(folder.path() / "workflow.json", workflow.dump(2) + "\n");
}

ChildEnd run_migrate(const Folder& folder, const std::string& crash_at,
                     const std::function<void(const ChildLine&)>& on_line) {
  ChildCommand command;
  // By its path, not as /proc/self/exe, so that the process can be recognised in a list of processes.
  // Two lanes on any machine: with more, which tables are in at the kill would be left to chance.
  command.argv = {fs::read_symlink("/proc/self/exe").string(), "migrate", "workflow.json", "--parallel", "2",
                  "--log-format", "json"};
  command.folder = folder.path().string();
  command.unset = {"PULK_CRASH_AT", "PULK_STOP_AT", "PULK_STEP_LOG"};
  if (!crash_at.empty()) command.set["PULK_CRASH_AT"] = crash_at;
  const auto text = [](const ordered_json& event, const char* name) {
    return event.contains(name) && event[name].is_string() ? event[name].get<std::string>() : "";
  };
  return run_child(
      command, [](std::string_view) {},
      [&](std::string_view line) {
        const auto event = ordered_json::parse(line, nullptr, false);
        // What is no event comes from a library below: shown as it is.
        if (!event.is_object())
          on_line({"", "warning", std::string(line)});
        else
          on_line({text(event, "event"), text(event, "level"), text(event, "message")});
      });
}

std::int64_t loaded_in_ledger(const Folder& folder, const std::string& table) {
  WorkspaceOptions options;
  options.folder = folder.workspace();
  options.read_only = true;
  const auto store = open_sqlite_store(options);
  const std::vector<RunRecord> runs = store->runs();
  if (runs.empty()) return 0;
  for (const TableRecord& record : store->tables(runs.front().id)) {
    if (record.plan.target.table != table) continue;
    return std::count_if(record.partitions.begin(), record.partitions.end(),
                         [](const PartitionRecord& p) { return p.state == PartitionState::loaded; });
  }
  return 0;
}

}  // namespace pulk::demo
