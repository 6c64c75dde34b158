#include "orchestrator/validate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "base/text_table.h"
#include "base/whole_file.h"

namespace pulk {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostPartitions = 8;

std::string count_text(std::int64_t n) { return n < 0 ? "" : format_count(n); }

std::string state_of(const TableValidation& table) {
  if (table.error) return table.error->message() == "interrupted" ? "interrupted" : "NOT COMPARED";
  return table.comparison.equal() ? "equal" : "DIFFERS";
}

std::string shown(const ComparedColumn& column, const std::optional<KeptCell>& cell) {
  return cell ? render(column, *cell) : "-";
}

std::string sum_text(const ColumnComparison& column, const ColumnDigest& digest) {
  return column.column.meaning == Meaning::number && digest.summed ? digest.sum.text(column.column.scale) : "";
}

std::string partition_text(const TableValidation& table, int ordinal) {
  const auto index = static_cast<std::size_t>(ordinal - 1);
  if (ordinal < 1 || table.partitions.size() < 2 || index >= table.partitions.size()) return "";
  return fmt::format("partition {}/{}: {}", ordinal, table.partitions.size(), table.partitions[index]);
}

std::string key_text(const RowDifference& row) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : row.key) parts.push_back(name + " = " + value);
  return join(parts, ", ");
}

std::string times(std::int64_t n) { return n == 0 ? "not" : n == 1 ? "once" : fmt::format("{} times", format_count(n)); }

std::string row_text(const TableValidation& table, const RowDifference& row) {
  std::string what;
  switch (row.finding) {
    case RowFinding::missing:
      what = "missing in the target" + (row.source_rows > 1 ? fmt::format(" ({} rows)", row.source_rows) : "");
      break;
    case RowFinding::extra:
      what = "only in the target" + (row.target_rows > 1 ? fmt::format(" ({} rows)", row.target_rows) : "");
      break;
    case RowFinding::repeated:
      what = fmt::format("{} in the source, {} in the target", times(row.source_rows), times(row.target_rows));
      break;
    case RowFinding::changed: {
      std::vector<std::string> parts;
      for (const RowDifference::Value& v : row.values)
        parts.push_back(fmt::format("{}: {} in the source, {} in the target", v.column, v.source, v.target));
      what = join(parts, "; ");
      break;
    }
  }
  const std::string partition = partition_text(table, row.partition);
  return fmt::format("{}: {}{}", key_text(row), what, partition.empty() ? "" : " [" + partition + "]");
}

std::string rows_text(const TableValidation& table) {
  const TableComparison& c = table.comparison;
  std::string out;
  if (c.rows.overflowed) {
    return "  rows: too many share a key for the memory there is, none is named; raise --memory, or name columns in "
           "primaryKeyColumns that tell rows apart\n";
  }
  const std::string least = c.all_rows_named ? "" : "at least ";
  out += fmt::format("  rows: {}{} missing in the target, {} only in the target, {} with other values\n", least,
                     format_count(c.rows.missing), format_count(c.rows.extra), format_count(c.rows.changed));
  if (table.partitions.size() > 1) {
    std::size_t listed = 0;
    for (const auto& [ordinal, rows] : c.rows.by_partition) {
      if (++listed > kMostPartitions) {
        out += fmt::format("    ... in {} partitions\n", c.rows.by_partition.size());
        break;
      }
      out += fmt::format("    {}: {}\n", partition_text(table, ordinal), plural(rows, "row"));
    }
  }
  for (const RowDifference& row : c.rows.first) out += "    " + row_text(table, row) + "\n";
  const auto named = static_cast<std::int64_t>(c.rows.first.size());
  if (c.rows.missing + c.rows.extra + c.rows.changed > named) out += "    ...\n";
  return out;
}

std::string difference_text(const TableValidation& table, bool after_migrate) {
  const TableComparison& c = table.comparison;
  std::string out = fmt::format("{} -> {}\n", table.label, table.target);
  for (const std::string& line : c.shape) out += "  shape: " + line + "\n";
  if (c.source_rows >= 0 && c.target_rows >= 0 && c.source_rows != c.target_rows)
    out += fmt::format("  count: {} in the source, {} in the target\n", plural(c.source_rows, "row"),
                       format_count(c.target_rows));
  if (c.source_count >= 0 && c.source_count != c.source_rows)
    out += fmt::format("  count: the source counts {}, its partitions have {}; please report this\n",
                       plural(c.source_count, "row"), format_count(c.source_rows));
  TextTable columns({"column", "side", ">nulls", "min", "max", ">sum", "digest"});
  bool any = false;
  for (const ColumnComparison& column : c.columns) {
    if (column.source.same(column.target)) continue;
    any = true;
    for (const bool source : {true, false}) {
      const ColumnDigest& d = source ? column.source : column.target;
      columns.add({source ? column.column.name : "", source ? "source" : "target", format_count(d.nulls),
                   shown(column.column, d.min), shown(column.column, d.max), sum_text(column, d),
                   hexadecimal(d.hashes).substr(0, 8)});
    }
  }
  if (any) out += columns.render("  ");
  else if (c.rows_differ) out += "  every column has the same values on both sides, but not in the same rows\n";
  if (c.rows_differ) out += rows_text(table);
  if (!after_migrate && !table.same_snapshot && c.shape.empty())
    out += fmt::format("  hint: {}; the source is compared as of {} and may have changed since. "
                       "`pulk migrate --validate` compares within the snapshot that is read\n",
                       table.loaded.run.empty() ? "when the target was loaded is not known here"
                                                : fmt::format("the target was loaded by run {}, begun {}",
                                                              table.loaded.run, table.loaded.started),
                       table.source_moment);
  else if (after_migrate && !table.same_snapshot)
    out += fmt::format("  hint: the snapshot that this table was read in is gone; the source is compared as of {} and "
                       "may have changed since\n", table.source_moment);
  return out + "\n";
}

ordered_json digest_json(const ColumnComparison& column, const ColumnDigest& d) {
  ordered_json j = {{"nulls", d.nulls},
                    {"min", d.min ? ordered_json(render(column.column, *d.min)) : ordered_json(nullptr)},
                    {"max", d.max ? ordered_json(render(column.column, *d.max)) : ordered_json(nullptr)}};
  if (const std::string sum = sum_text(column, d); !sum.empty()) j["sum"] = sum;
  j["digest"] = hexadecimal(d.hashes);
  return j;
}

ordered_json row_json(const TableValidation& table, const RowDifference& row) {
  ordered_json j = {{"finding", to_string(row.finding)}, {"key", ordered_json::object()}};
  for (const auto& [name, value] : row.key) j["key"][name] = value;
  j["source_rows"] = row.source_rows;
  j["target_rows"] = row.target_rows;
  if (row.partition > 0) {
    j["partition"] = row.partition;
    j["partition_display"] = table.partitions.at(static_cast<std::size_t>(row.partition - 1));
  }
  if (!row.values.empty()) {
    j["values"] = ordered_json::array();
    for (const RowDifference::Value& v : row.values)
      j["values"].push_back({{"column", v.column}, {"source", v.source}, {"target", v.target}});
  }
  return j;
}

ordered_json number_or_null(std::int64_t n) { return n < 0 ? ordered_json(nullptr) : ordered_json(n); }

ordered_json table_json(const TableValidation& table) {
  const TableComparison& c = table.comparison;
  ordered_json j = {{"table", table.label},
                    {"target", table.target},
                    {"result", table.error ? "error" : c.equal() ? "equal" : "differs"},
                    {"source_rows", number_or_null(c.source_rows)},
                    {"source_count", number_or_null(c.source_count)},
                    {"target_rows", number_or_null(c.target_rows)},
                    {"source_moment", table.source_moment},
                    {"target_moment", table.target_moment},
                    {"snapshot", table.snapshot},
                    {"level", table.level},
                    {"loaded", {{"run", table.loaded.run}, {"started", table.loaded.started},
                                {"snapshot", table.loaded.snapshot}}},
                    {"same_snapshot", table.same_snapshot},
                    {"shape", c.shape},
                    {"notes", c.notes},
                    {"key", c.key},
                    {"columns", ordered_json::array()}};
  for (const ColumnComparison& column : c.columns)
    j["columns"].push_back({{"column", column.column.name},
                            {"source_type", column.source_type},
                            {"target_type", column.target_type},
                            {"compared_as", to_string(column.column.meaning)},
                            {"equal", column.source.same(column.target)},
                            {"source", digest_json(column, column.source)},
                            {"target", digest_json(column, column.target)}});
  if (c.rows_differ) {
    ordered_json rows = {{"exact", c.all_rows_named},
                         {"missing", c.rows.missing},
                         {"extra", c.rows.extra},
                         {"changed", c.rows.changed},
                         {"changed_columns", c.rows.changed_columns},
                         {"partitions", ordered_json::array()},
                         {"first", ordered_json::array()}};
    for (const auto& [ordinal, n] : c.rows.by_partition)
      rows["partitions"].push_back(
          {{"partition", ordinal}, {"display", table.partitions.at(static_cast<std::size_t>(ordinal - 1))}, {"rows", n}});
    for (const RowDifference& row : c.rows.first) rows["first"].push_back(row_json(table, row));
    j["rows"] = std::move(rows);
  }
  j["seconds"] = table.seconds;
  if (table.error)
    j["error"] = {{"class", table.error->exit_code()},
                  {"kind", to_string(table.error->kind())},
                  {"subject", table.error->subject()},
                  {"message", table.error->message()},
                  {"hint", table.error->hint()}};
  return j;
}

}  // namespace

std::string validation_text(const ValidateResult& result) {
  TextTable tables({"table", "target", "result", ">source rows", ">target rows", ">columns", ">time", "source as of"});
  std::size_t equal = 0;
  std::int64_t rows = 0;
  for (const TableValidation& t : result.tables) {
    const TableComparison& c = t.comparison;
    tables.add({t.label, t.target, state_of(t), count_text(c.source_rows), count_text(c.target_rows),
                c.columns.empty() ? "" : std::to_string(c.columns.size()), format_seconds(t.seconds),
                t.same_snapshot ? "the snapshot it was loaded from" : t.source_moment});
    if (t.error || !c.equal()) continue;
    ++equal;
    rows += c.source_rows;
  }
  std::string out = tables.render() + "\n";
  for (const TableValidation& t : result.tables)
    if (t.differs()) out += difference_text(t, result.after_migrate);
  for (const TableValidation& t : result.tables) {
    for (const std::string& note : t.comparison.notes) out += fmt::format("note: {}: {}\n", t.target, note);
    if (!t.error && t.level != "snapshot")
      out += fmt::format("note: {}: the source was not seen at one moment (level {}): differences may be of writers\n",
                         t.label, t.level);
  }
  for (const TableValidation& t : result.tables)
    if (t.error) out += fmt::format("{}: {}\n", state_of(t), t.error->what());
  if (equal == result.tables.size())
    out += fmt::format("validation: {} equal, {}{}.\n", plural(static_cast<std::int64_t>(equal), "table"),
                       plural(rows, "row"), result.counts_only ? ", counted only" : ", every value compared");
  else
    out += fmt::format("validation: {} of {} tables equal{}.\n", equal, result.tables.size(),
                       result.interrupted ? "; interrupted" : "");
  return out;
}

std::string validation_json(const ValidateResult& result) {
  ordered_json j;
  j["workflow"] = result.workflow;
  if (!result.source.empty()) j["source"] = result.source;
  j["target"] = result.target;
  j["level"] = result.counts_only ? "counts" : "rows";
  j["after_migrate"] = result.after_migrate;
  j["interrupted"] = result.interrupted;
  j["exit_class"] = exit_class(result);
  j["wall_seconds"] = result.wall_seconds;
  j["tables"] = ordered_json::array();
  for (const TableValidation& table : result.tables) j["tables"].push_back(table_json(table));
  return j.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

void write_report(const ValidateResult& result, const std::string& path) {
  write_whole_file(path, validation_json(result), "the report");
}

}  // namespace pulk
