#include "orchestrator/plan_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "base/text_table.h"
#include "catalog/plan_json.h"

namespace pulk {

namespace {

std::string count_or_unknown(std::int64_t n) { return n < 0 ? "unknown" : "~" + format_count(n); }

std::string key_text(const TablePlan& plan) {
  if (plan.partitions.size() == 1 && plan.partitions[0].kind == PartitionKind::whole) return "one piece";
  if (plan.partitions.empty()) return "not cut";
  if (plan.partition_columns.empty()) return fmt::format("{} page ranges", plan.partitions.size());
  return fmt::format("{} partitions over {}", plan.partitions.size(), join(plan.partition_columns, ", "));
}

std::string table_text(const PreparedTable& table, int max_partitions) {
  const TablePlan& plan = table.plan;
  std::string out = fmt::format("{} -> {}{}\n", plan.label, plan.target.display(),
                                plan.target_exists ? " (exists; its content is replaced)" : " (will be made)");
  out += fmt::format("  rows {}, bytes {}, {}\n", count_or_unknown(plan.rows_estimate),
                     plan.bytes_estimate < 0 ? "unknown" : "~" + format_bytes(plan.bytes_estimate), key_text(plan));
  if (!plan.source.filter.empty()) out += fmt::format("  where {}\n", plan.source.filter);
  if (!plan.primary_key.empty()) out += fmt::format("  primary key {}\n", join(plan.primary_key, ", "));
  for (const std::string& note : plan.notes) out += "  note: " + note + "\n";

  TextTable columns({"column", "source type", "logical", "carrier", "target", "target type", ""});
  for (const ColumnPlan& c : plan.columns) {
    std::string remark = c.note;
    if (!c.refusal.empty()) remark = "REFUSED: " + c.refusal + (c.refusal_hint.empty() ? "" : " (" + c.refusal_hint + ")");
    columns.add({c.source_name, c.source_type, c.refusal.empty() ? to_string(c.logical) : "",
                 c.refusal.empty() ? to_string(c.carrier) : "", c.target_name,
                 c.target_type + (c.nullable || c.target_type.empty() ? "" : " NOT NULL"), remark});
  }
  out += columns.render("  ");
  if (plan.partitions.size() > 1) {
    TextTable parts({">#", "partition", ">rows", ">bytes"});
    int shown = 0;
    for (const PartitionPlan& p : plan.partitions) {
      if (++shown > max_partitions) break;
      parts.add({std::to_string(p.ordinal), p.display, count_or_unknown(p.rows_estimate),
                 p.bytes_estimate < 0 ? "" : "~" + format_bytes(p.bytes_estimate)});
    }
    out += "\n" + parts.render("  ");
    if (static_cast<int>(plan.partitions.size()) > max_partitions)
      out += fmt::format("  ... and {} more\n", static_cast<int>(plan.partitions.size()) - max_partitions);
  }
  return out + "\n";
}

}  // namespace

std::string plan_text(const Ends& ends, const Prepared& prepared, int max_partitions) {
  std::string out;
  out += fmt::format("source  {} ({})\n", prepared.facts.product, ends.source_name);
  out += fmt::format("target  {} {}\n", ends.warehouse->kind(), ends.warehouse->location());
  out += fmt::format("lanes   {} of at most {} connections\n", ends.lanes, ends.max_connections);
  out += fmt::format("exactly once  {}{}\n", to_string(prepared.level),
                     prepared.level == ConsistencyLevel::snapshot
                         ? ": the target will hold the rows of one moment of the source"
                         : ": " + prepared.facts.level_reason);
  for (const std::string& note : prepared.facts.notes) out += "note    " + note + "\n";
  out += "\n";
  for (const PreparedTable& table : prepared.tables) out += table_text(table, max_partitions);
  return out;
}

std::string plan_report_json(const Ends& ends, const Prepared& prepared) {
  using nlohmann::ordered_json;
  ordered_json j;
  j["source"] = {{"connection", ends.source_name}, {"product", prepared.facts.product}};
  j["target"] = {{"kind", ends.warehouse->kind()}, {"location", ends.warehouse->location()}};
  j["lanes"] = ends.lanes;
  j["max_source_connections"] = ends.max_connections;
  j["exactly_once"] = to_string(prepared.level);
  j["exactly_once_reason"] = prepared.level == ConsistencyLevel::snapshot ? "" : prepared.facts.level_reason;
  j["notes"] = prepared.facts.notes;
  j["tables"] = ordered_json::array();
  for (const PreparedTable& table : prepared.tables) j["tables"].push_back(ordered_json::parse(plan_to_json(table.plan)));
  j["findings"] = ordered_json::array();
  for (const Finding& f : prepared.findings)
    j["findings"].push_back({{"kind", to_string(f.kind)}, {"where", f.problem.where}, {"what", f.problem.what},
                             {"hint", f.problem.hint}});
  return j.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace pulk
