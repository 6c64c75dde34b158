#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "base/text_table.h"
#include "cli/commands.h"
#include "state/sqlite/sqlite_store.h"

namespace pulk {

namespace {

struct Flags {
  std::string workspace = ".pulk";
  std::string run;
  bool json = false;
};

struct Counts {
  std::size_t loaded = 0;
  std::int64_t rows = 0;
};

Counts counts_of(const TableRecord& table) {
  Counts counts;
  for (const PartitionRecord& p : table.partitions) {
    if (p.state != PartitionState::loaded) continue;
    ++counts.loaded;
    counts.rows += p.rows_loaded;
  }
  if (table.state == TableState::published) counts.rows = table.rows;
  return counts;
}

std::string state_text(const TableRecord& table) {
  if (table.state == TableState::published) return "done";
  if (!table.error.empty()) return "failed";
  return table.state == TableState::planned ? "waiting" : "unfinished";
}

void print_text(StateStore& store, const std::vector<RunRecord>& runs) {
  if (runs.empty()) fmt::print("no runs yet\n");
  for (const RunRecord& run : runs) {
    fmt::print("run {}  workflow {}  {}{}  started {}  to {}\n", run.id, run.workflow,
               run.state == RunState::running ? "unfinished" : to_string(run.state),
               run.sample_rows > 0 ? fmt::format(" (trial, {} rows a table)", run.sample_rows) : "", run.started,
               run.target);
    TextTable table({"table", "target", "state", ">partitions", ">rows", "exactly once"});
    std::string errors;
    for (const TableRecord& t : store.tables(run.id)) {
      const Counts counts = counts_of(t);
      table.add({t.plan.label, t.plan.target.display(), state_text(t),
                 fmt::format("{}/{}", counts.loaded, t.partitions.size()), format_count(counts.rows), t.level});
      if (!t.error.empty()) errors += "  " + t.error + "\n";
      for (const PartitionRecord& p : t.partitions)
        if (!p.error.empty()) errors += fmt::format("  {}: partition {}: {}\n", t.plan.label, p.ordinal, p.error);
    }
    fmt::print("{}{}\n", table.render("  "), errors);
  }
}

nlohmann::ordered_json statements_json(const std::vector<LoadStatement>& statements) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const LoadStatement& s : statements)
    all.push_back({{"query_id", s.query_id}, {"seconds", s.seconds}, {"rows", s.rows}, {"bytes", s.bytes}});
  return all;
}

void print_json(StateStore& store, const std::vector<RunRecord>& runs) {
  using nlohmann::ordered_json;
  ordered_json all = ordered_json::array();
  for (const RunRecord& run : runs) {
    ordered_json j = {{"run", run.id},         {"workflow", run.workflow}, {"state", to_string(run.state)},
                      {"started", run.started}, {"finished", run.finished}, {"target", run.target},
                      {"sample_rows", run.sample_rows}};
    j["tables"] = ordered_json::array();
    for (const TableRecord& t : store.tables(run.id)) {
      ordered_json table = {{"table", t.plan.label},   {"target", t.plan.target.display()},
                            {"state", state_text(t)},  {"exactly_once", t.level},
                            {"snapshot", t.snapshot},  {"rows", counts_of(t).rows},
                            {"source_count", t.source_count}, {"error", t.error},
                            {"error_class", t.error_class},
                            {"statements", statements_json(t.statements)}};
      table["partitions"] = ordered_json::array();
      for (const PartitionRecord& p : t.partitions) {
        const PartitionPlan& plan = t.plan.partitions.at(static_cast<std::size_t>(p.ordinal - 1));
        table["partitions"].push_back({{"ordinal", p.ordinal},         {"id", p.id},
                                       {"range", plan.display},        {"state", to_string(p.state)},
                                       {"attempt", p.attempt},         {"snapshot", p.snapshot},
                                       {"rows_read", p.rows_read},     {"rows_encoded", p.rows_encoded},
                                       {"rows_loaded", p.rows_loaded}, {"bytes", p.bytes},
                                       {"extract_seconds", p.extract_seconds},
                                       {"load_seconds", p.load_seconds},
                                       {"statements", statements_json(p.statements)}, {"error", p.error}});
      }
      j["tables"].push_back(std::move(table));
    }
    all.push_back(std::move(j));
  }
  fmt::print("{}\n", all.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace

Command add_status(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  app.add_option("--workspace", flags->workspace, "Folder of the ledger")->capture_default_str()->type_name("DIR");
  app.add_option("--run", flags->run, "Only this run")->type_name("ID");
  app.add_flag("--json", flags->json, "Print everything as JSON, with the receipt of every partition");
  return [flags] {
    WorkspaceOptions options;
    options.folder = flags->workspace;
    options.read_only = true;
    const auto store = open_sqlite_store(options);
    std::vector<RunRecord> runs = store->runs();
    if (!flags->run.empty()) {
      std::erase_if(runs, [&](const RunRecord& run) { return run.id != flags->run; });
      if (runs.empty()) throw Error(ErrorKind::usage, "there is no run " + flags->run, flags->workspace);
    }
    flags->json ? print_json(*store, runs) : print_text(*store, runs);
    return 0;
  };
}

}  // namespace pulk
