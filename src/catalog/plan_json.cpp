#include "catalog/plan_json.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace pulk {

namespace {

using nlohmann::json;

json name_to_json(const QualifiedName& name) {
  return {{"database", name.database}, {"schema", name.schema}, {"table", name.table}};
}

QualifiedName name_from_json(const json& j) { return {j.at("database"), j.at("schema"), j.at("table")}; }

std::string_view to_text(PartitionKind kind) {
  switch (kind) {
    case PartitionKind::whole: return "whole";
    case PartitionKind::key_range: return "key_range";
    case PartitionKind::key_null: return "key_null";
    case PartitionKind::physical: return "physical";
  }
  return "whole";
}

PartitionKind kind_from_text(const std::string& text) {
  for (const PartitionKind kind :
       {PartitionKind::whole, PartitionKind::key_range, PartitionKind::key_null, PartitionKind::physical})
    if (to_text(kind) == text) return kind;
  throw Error(ErrorKind::internal, "unknown kind of partition " + text);
}

}  // namespace

std::string plan_to_json(const TablePlan& plan) {
  json j = {{"label", plan.label},
            {"source", name_to_json(plan.source.name)},
            {"query", plan.source.query},
            {"filter", plan.source.filter},
            {"target", name_to_json(plan.target)},
            {"primary_key", plan.primary_key},
            {"partition_columns", plan.partition_columns},
            {"schema_fingerprint", plan.schema_fingerprint},
            {"rows_estimate", plan.rows_estimate},
            {"bytes_estimate", plan.bytes_estimate},
            {"target_exists", plan.target_exists},
            {"notes", plan.notes}};
  j["columns"] = json::array();
  for (const ColumnPlan& c : plan.columns) {
    j["columns"].push_back({{"source", c.source_name},
                            {"source_type", c.source_type},
                            {"nullable", c.nullable},
                            {"logical", to_string(c.logical)},
                            {"carrier", to_string(c.carrier)},
                            {"target", c.target_name},
                            {"target_type", c.target_type},
                            {"load", c.load_expression},
                            {"refusal", c.refusal},
                            {"refusal_hint", c.refusal_hint},
                            {"note", c.note}});
    if (c.least) j["columns"].back()["least"] = *c.least;
    if (c.most) j["columns"].back()["most"] = *c.most;
  }
  j["partitions"] = json::array();
  for (const PartitionPlan& p : plan.partitions)
    j["partitions"].push_back({{"ordinal", p.ordinal},
                               {"id", p.id},
                               {"kind", to_text(p.kind)},
                               {"predicate", p.predicate},
                               {"display", p.display},
                               {"rows_estimate", p.rows_estimate},
                               {"bytes_estimate", p.bytes_estimate}});
  // A source's boundary values may hold bytes that are not UTF-8 only in `display`; those are shown, not used.
  return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

TablePlan plan_from_json(std::string_view text) {
  try {
    const json j = json::parse(text);
    TablePlan plan;
    plan.label = j.at("label");
    plan.source.name = name_from_json(j.at("source"));
    plan.source.query = j.at("query");
    plan.source.filter = j.at("filter");
    plan.target = name_from_json(j.at("target"));
    plan.primary_key = j.at("primary_key");
    plan.partition_columns = j.at("partition_columns");
    plan.schema_fingerprint = j.at("schema_fingerprint");
    plan.rows_estimate = j.at("rows_estimate");
    plan.bytes_estimate = j.at("bytes_estimate");
    plan.target_exists = j.at("target_exists");
    plan.notes = j.at("notes");
    for (const json& c : j.at("columns")) {
      ColumnPlan column;
      column.source_name = c.at("source");
      column.source_type = c.at("source_type");
      column.nullable = c.at("nullable");
      column.logical = parse_logical_type(c.at("logical").get<std::string>()).value();
      column.carrier = parse_carrier(c.at("carrier").get<std::string>()).value();
      column.target_name = c.at("target");
      column.target_type = c.at("target_type");
      column.load_expression = c.at("load");
      column.refusal = c.at("refusal");
      column.refusal_hint = c.at("refusal_hint");
      column.note = c.at("note");
      if (c.contains("least")) column.least = c.at("least").get<std::int64_t>();
      if (c.contains("most")) column.most = c.at("most").get<std::int64_t>();
      plan.columns.push_back(std::move(column));
    }
    for (const json& p : j.at("partitions")) {
      PartitionPlan partition;
      partition.ordinal = p.at("ordinal");
      partition.id = p.at("id");
      partition.kind = kind_from_text(p.at("kind"));
      partition.predicate = p.at("predicate");
      partition.display = p.at("display");
      partition.rows_estimate = p.at("rows_estimate");
      partition.bytes_estimate = p.at("bytes_estimate");
      plan.partitions.push_back(std::move(partition));
    }
    return plan;
  } catch (const std::exception& e) {
    throw Error(ErrorKind::internal, std::string("a stored plan cannot be read: ") + e.what());
  }
}

}  // namespace pulk
