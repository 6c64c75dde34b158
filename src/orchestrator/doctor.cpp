#include "orchestrator/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/cancel.h"
#include "base/strings.h"
#include "config/connections.h"
#include "config/workflow.h"
#include "engine/loader.h"
#include "engine/planner.h"
#include "orchestrator/connections_file.h"
#include "orchestrator/doctor_checks.h"
#include "orchestrator/doctor_machine.h"
#include "orchestrator/doctor_probes.h"
#include "orchestrator/doctor_source.h"
#include "orchestrator/doctor_target.h"
#include "orchestrator/doctor_vault.h"

namespace pulk {

namespace {

namespace fs = std::filesystem;

std::string label_of(const TableConfig& table) {
  if (!table.query.empty()) return "query for " + table.target.table;
  std::vector<std::string> parts;
  for (const std::string* part : {&table.source.database, &table.source.schema, &table.source.table})
    if (!part->empty()) parts.push_back(*part);
  return join(parts, ".");
}

WrittenName written(const std::string& text) { return text.empty() ? WrittenName{} : parse_written_name(text); }

}  // namespace

std::string_view to_string(CheckStatus status) {
  switch (status) {
    case CheckStatus::pass:
      return "pass";
    case CheckStatus::warn:
      return "warn";
    case CheckStatus::fail:
      return "fail";
    case CheckStatus::skip:
      return "skip";
  }
  return "fail";
}

int exit_class(const std::vector<Check>& checks) {
  // The order of a run's exit class: what may mean wrong data first, what running again may mend last.
  static constexpr ErrorKind order[] = {ErrorKind::integrity, ErrorKind::internal, ErrorKind::drift,
                                        ErrorKind::refused,   ErrorKind::usage,    ErrorKind::retryable};
  for (const ErrorKind kind : order)
    for (const Check& check : checks)
      if (check.status == CheckStatus::fail && check.kind == kind) return static_cast<int>(kind);
  return 0;
}

namespace {

class Doctor {
 public:
  Doctor(const DoctorOptions& options, CancelToken& cancel, const std::function<void(const Check&)>& on_check)
      : options_(options), cancel_(cancel), checks_(cancel, on_check) {}

  std::vector<Check> run() {
    start_for(options_.connections);
    check_files();
    source_ = check_source(checks_, connections_ ? &*connections_ : nullptr, options_.source);
    target_ = check_target(checks_, connections_ ? &*connections_ : nullptr, options_.target);
    check_tables();
    check_machine();
    return checks_.take();
  }

 private:
  bool check(const std::string& name, const std::string& fix, const std::function<Verdict()>& look) {
    return checks_.check(name, fix, look);
  }
  void skip(const std::string& name, const std::string& why) { checks_.skip(name, why); }

  void check_files();
  Verdict look_at_connections();
  void check_tables();
  Verdict look_at_types();
  void check_machine();

  struct Described {
    TableConfig config;
    TableInfo info;
  };

  const DoctorOptions& options_;
  CancelToken& cancel_;
  DoctorChecks checks_;
  std::optional<ConnectionsFile> connections_;
  std::optional<Workflow> workflow_;
  std::unique_ptr<Source> source_;  // set when the login worked
  LookedAtTarget target_;
  std::vector<Described> tables_;
  std::int64_t source_bytes_ = 0;
};

Verdict Doctor::look_at_connections() {
  connections_ = read_connections(options_.connections);
  checks_.secrets().learn(*connections_);
  if (connections_->warnings.empty())
    return passed(fmt::format("{}: {} sources, {} targets", options_.connections, connections_->sources.size(),
                              connections_->targets.size()));
  return warned(join(connections_->warnings, "; "),
                "write the value as env:NAME or file:PATH, or: chmod 600 " + options_.connections);
}

void Doctor::check_files() {
  const std::string failed = check_vault(checks_, options_.connections);
  if (failed.empty())
    check("connections file", "correct the file", [&] { return look_at_connections(); });
  else
    skip("connections file", failed + " failed: the file's references have no values");
  if (options_.workflow.empty()) {
    skip("workflow", "no workflow was given; with one its tables are checked too");
    return;
  }
  check("workflow", "correct the file; `pulk schema` prints what may stand in it", [&] {
    workflow_ = load_workflow(options_.workflow);
    return passed(fmt::format("{}: {} tables", options_.workflow, workflow_->tables.size()));
  });
}

// ------------------------------------------------------------------- tables

void Doctor::check_tables() {
  if (!workflow_ || source_ == nullptr) {
    const std::string why = options_.workflow.empty() ? "no workflow was given"
                            : !workflow_              ? "the workflow cannot be used"
                                                      : "the source cannot be used";
    for (const char* name : {"tables", "types"}) skip(name, why);
    return;
  }
  // One snapshot over all tables, as a run takes it; when that fails, one for each table tells which it is.
  std::vector<Finding> ignored;
  std::vector<TableRequest> requests;
  std::unique_ptr<Snapshot> together;
  try {
    for (const TableConfig& table : workflow_->tables) requests.push_back(request_of(table, ignored));
    if (ignored.empty()) together = source_->snapshot(requests, 1);
  } catch (const Error&) {
    cancel_.check();
  }
  for (const TableConfig& config : workflow_->tables) {
    check("table " + label_of(config), "check the name of the table and the privileges of the login", [&] {
      std::vector<Finding> findings;
      const TableRequest request = request_of(config, findings);
      throw_findings(findings);
      std::unique_ptr<Snapshot> alone;
      if (together == nullptr) alone = source_->snapshot({request}, 1);
      TableInfo info = (together != nullptr ? *together : *alone).describe(request);
      source_bytes_ += std::max<std::int64_t>(0, info.bytes_estimate);
      std::string what = fmt::format("found and readable, {} columns, {} rows", info.columns.size(),
                                     info.rows_estimate < 0 ? "unknown" : "~" + format_count(info.rows_estimate));
      if (info.bytes_estimate >= 0) what += ", ~" + format_bytes(info.bytes_estimate);
      const std::vector<std::string> notes = info.notes;
      tables_.push_back({config, std::move(info)});
      if (notes.empty()) return passed(what);
      return warned(what + "; " + join(notes, "; "), "make sure that this is what you want to move");
    });
  }
  together.reset();
  if (target_.warehouse == nullptr)
    skip("types", "there is no target connection");
  else if (tables_.empty())
    skip("types", "no table could be read");
  else
    check("types", "map the type with columnTypeMappings, or leave the column out with a query",
          [&] { return look_at_types(); });
  target_.session.reset();
}

Verdict Doctor::look_at_types() {
  std::vector<Finding> findings;
  std::size_t columns = 0;
  for (const Described& table : tables_) {
    std::optional<DeployedTable> deployed;
    if (target_.session != nullptr)
      deployed = target_.session->describe(target_.warehouse->resolve(written(table.config.target.database),
                                                                      written(table.config.target.schema),
                                                                      written(table.config.target.table)));
    const TablePlan plan =
        plan_columns(table.config, table.info, source_->name_rule(), *target_.warehouse, deployed, findings);
    partition_request(table.config, table.info, plan, source_->name_rule(), 1, findings);
    columns += plan.columns.size();
  }
  if (findings.empty())
    return passed(fmt::format("all {} columns of {} tables travel exactly", columns, tables_.size()));
  Verdict verdict{CheckStatus::fail, "", "", findings.front().kind};
  std::vector<std::string> what, hints;
  for (const Finding& finding : findings) {
    what.push_back(finding.problem.where + ": " + finding.problem.what);
    if (finding.kind != ErrorKind::usage) verdict.kind = finding.kind;
    const std::string& hint = finding.problem.hint;
    if (!hint.empty() && std::find(hints.begin(), hints.end(), hint) == hints.end()) hints.push_back(hint);
  }
  verdict.detail = join(what, "\n");
  verdict.fix =
      hints.empty() ? "map the type with columnTypeMappings, or leave the column out with a query" : join(hints, "\n");
  return verdict;
}

// ------------------------------------------------------------------ machine

void Doctor::check_machine() {
  check("disk space", "make room", [&] {
    std::vector<std::string> folders = {probe::nearest_folder(options_.workspace)};
    if (target_.warehouse != nullptr && !target_.in_cloud) {
      const std::string target = probe::nearest_folder(target_.warehouse->location());
      if (!probe::same_disk(target, folders.front())) folders.push_back(target);
    }
    return look_at_disk(folders, source_bytes_);
  });
  check("workspace", "name another folder with --workspace", [&] { return look_at_workspace(options_.workspace); });
  if (std::error_code ignored; fs::exists(ledger_of(options_.workspace), ignored))
    check("workspace owner", "wait for the other process", [&] { return look_at_owner(options_.workspace); });
  else
    skip("workspace owner", "there is no ledger yet");
  check("memory", "lower --memory", [&] { return look_at_memory(options_.memory); });
  check("clock", "set the clock of this machine", look_at_clock);
}

}  // namespace

std::vector<Check> diagnose(const DoctorOptions& options, CancelToken& cancel,
                            const std::function<void(const Check&)>& on_check) {
  return Doctor(options, cancel, on_check).run();
}

}  // namespace pulk
