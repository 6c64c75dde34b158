#include "orchestrator/summary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "base/text_table.h"
#include "base/whole_file.h"
#include "orchestrator/validate_report.h"

namespace pulk {

namespace {

std::string state_of(const TableOutcome& table) {
  if (table.earlier) return "done earlier";
  if (table.ok) return "ok";
  return table.error && table.error->message().starts_with("interrupted") ? "interrupted" : "FAILED";
}

struct Totals {
  std::int64_t rows = 0, bytes = 0;
  double plan = 0, extract = 0, load = 0, publish = 0, warehouse = 0;
  int failed = 0, done = 0, earlier = 0;
};

Totals totals_of(const MigrateResult& result) {
  Totals t;
  for (const TableOutcome& table : result.outcome.tables) {
    if (table.earlier) {
      ++t.done;
      ++t.earlier;
      continue;
    }
    t.rows += table.rows;
    t.bytes += table.bytes;
    t.plan += table.plan_seconds;
    t.extract += table.extract_seconds;
    t.load += table.load_seconds;
    t.publish += table.publish_seconds;
    t.warehouse += table.warehouse_seconds;
    ++(table.ok ? t.done : t.failed);
  }
  return t;
}

}  // namespace

std::string summary_text(const MigrateResult& result) {
  const Totals totals = totals_of(result);
  std::vector<std::string> heads{"table", "target", "state", ">rows", ">partitions", ">staged", ">read", ">load"};
  if (totals.warehouse > 0) heads.push_back(">warehouse");
  heads.push_back("exactly once");
  TextTable tables(heads);
  for (const TableOutcome& t : result.outcome.tables) {
    std::vector<std::string> cells{t.label, t.target, state_of(t)};
    for (const std::string& cell : {format_count(t.rows), std::to_string(t.partitions), format_bytes(t.bytes),
                                    format_seconds(t.extract_seconds), format_seconds(t.load_seconds)})
      cells.push_back(t.earlier ? "" : cell);
    if (totals.warehouse > 0) cells.push_back(t.earlier ? "" : format_seconds(t.warehouse_seconds));
    cells.push_back(t.ok && !t.earlier ? t.level : "");
    tables.add(cells);
  }
  TextTable steps({"step", ">seconds", ">rows/s"});
  const auto step = [&](const std::string& name, double seconds, bool rate) {
    steps.add({name, fmt::format("{:.2f}", seconds),
               rate && seconds > 0 && totals.rows > 0
                   ? format_count(static_cast<std::int64_t>(static_cast<double>(totals.rows) / seconds))
                   : ""});
  };
  step("plan", result.plan_seconds + totals.plan, false);
  step("read and encode (all lanes)", totals.extract, true);
  step("load", totals.load, true);
  step("publish", totals.publish, false);
  if (totals.warehouse > 0) step("statements in the warehouse", totals.warehouse, false);
  step("wall clock", result.outcome.wall_seconds + result.plan_seconds, true);

  std::string out = tables.render() + "\n" + steps.render() + "\n";
  for (const TableOutcome& t : result.outcome.tables)
    for (const std::string& note : t.notes) out += fmt::format("note: {}: {}\n", t.label, note);
  for (const TableOutcome& t : result.outcome.tables)
    if (t.error) out += fmt::format("{}: {}\n", state_of(t), t.error->what());
  const std::string what = result.trial ? "trial run" : "run";
  if (result.outcome.interrupted)
    out += fmt::format("{} {} was interrupted: {} of {} tables are done. Run the same command again to resume.\n", what,
                       result.run, totals.done, result.outcome.tables.size());
  else if (totals.failed > 0)
    out += fmt::format("{} {}: {} of {} tables failed; finished work is kept. {}\n", what, result.run, totals.failed,
                       result.outcome.tables.size(),
                       exit_class(result.outcome) == static_cast<int>(ErrorKind::retryable)
                           ? "Run the same command again."
                           : "Mend what is named above, then run the same command again.");
  else
    out += fmt::format("{} {}: {}{}, {}, all in {}.\n", what, result.run, plural(totals.done, "table"),
                       totals.earlier > 0 ? fmt::format(" ({} of them by an earlier process)", totals.earlier) : "",
                       plural(totals.rows, "row"), result.target);
  if (result.validation) out += "\n" + validation_text(*result.validation);
  return out;
}

std::string summary_json(const MigrateResult& result) {
  using nlohmann::ordered_json;
  const Totals totals = totals_of(result);
  ordered_json j;
  j["run"] = result.run;
  j["workflow"] = result.workflow;
  j["resumed"] = result.resumed;
  j["trial"] = result.trial;
  j["source"] = result.source;
  j["target"] = result.target;
  j["interrupted"] = result.outcome.interrupted;
  j["exit_class"] = exit_class(result);
  j["rows"] = totals.rows;
  j["bytes_staged"] = totals.bytes;
  j["wall_seconds"] = result.outcome.wall_seconds + result.plan_seconds;
  j["steps"] = {{"plan_seconds", result.plan_seconds + totals.plan},
                {"extract_seconds", totals.extract},
                {"load_seconds", totals.load},
                {"publish_seconds", totals.publish},
                {"warehouse_seconds", totals.warehouse}};
  j["tables"] = ordered_json::array();
  for (const TableOutcome& t : result.outcome.tables) {
    ordered_json table = {{"table", t.label},
                          {"target", t.target},
                          {"state", state_of(t)},
                          {"rows", t.rows},
                          {"source_count", t.source_count < 0 ? ordered_json(nullptr) : ordered_json(t.source_count)},
                          {"bytes_staged", t.bytes},
                          {"partitions", t.partitions},
                          {"partitions_kept", t.kept},
                          {"partitions_read_again", t.read_again},
                          {"retries", t.retries},
                          {"exactly_once", t.level},
                          {"snapshot", t.snapshot},
                          {"notes", t.notes},
                          {"plan_seconds", t.plan_seconds},
                          {"extract_seconds", t.extract_seconds},
                          {"load_seconds", t.load_seconds},
                          {"publish_seconds", t.publish_seconds},
                          {"warehouse_seconds", t.warehouse_seconds},
                          {"wall_seconds", t.wall_seconds}};
    if (t.error)
      table["error"] = {{"class", t.error->exit_code()},
                        {"kind", to_string(t.error->kind())},
                        {"subject", t.error->subject()},
                        {"message", t.error->message()},
                        {"hint", t.error->hint()}};
    j["tables"].push_back(std::move(table));
  }
  if (result.validation) j["validation"] = ordered_json::parse(validation_json(*result.validation));
  return j.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

void write_summary(const MigrateResult& result, const std::string& path) {
  write_whole_file(path, summary_json(result), "the summary");
}

}  // namespace pulk
