#include "engine/planner.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace pulk {

namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kGiB = 1 << 30;

// A partition is what is read again after a failure and what lanes share out, so: small through the worker, large where
// the server unloads by itself and every file has a price of its own.
constexpr std::int64_t kStreamedTarget = 256 * kMiB;
constexpr std::int64_t kServerSideTarget = 5 * kGiB;
constexpr std::int64_t kTooSmallToCut = 32 * kMiB;
constexpr std::int64_t kVeryLarge = 100 * kGiB;
constexpr std::int64_t kMostPieces = 400;
constexpr std::int64_t kMostPiecesVeryLarge = 4000;
constexpr std::int64_t kGuessedRowBytes = 100;

std::string squeeze(std::string_view type) {
  std::string out;
  for (char c : to_lower(type))
    if (c != ' ') out += c;
  return out;
}

// The spellings by which a mapping may name a column's type: in full first ("numeric(10,2)"), then without arguments.
std::vector<std::string> spellings(const SourceColumn& column) {
  std::vector<std::string> names = {squeeze(column.native_type)};
  const std::string bare = squeeze(column.bare_type), full = names.front();
  // "timestamp(3) without time zone" has its arguments in the middle; an alias takes them at its end.
  const std::size_t open = full.find('('), close = full.find(')');
  const std::string arguments =
      open == std::string::npos || close == std::string::npos ? "" : full.substr(open, close - open + 1);
  if (!arguments.empty()) {
    names.push_back(bare + arguments);
    for (const std::string& alias : column.type_aliases) names.push_back(squeeze(alias) + arguments);
  }
  names.push_back(bare);
  for (const std::string& alias : column.type_aliases) names.push_back(squeeze(alias));
  return names;
}

std::string mapped_type(const TableConfig& config, const SourceColumn& column) {
  for (const std::string& name : spellings(column))
    for (const TypeMapping& mapping : config.type_mappings)
      if (squeeze(mapping.source_type) == name) return mapping.target_type;
  return "";
}

// A mapping of the default configuration may be meant for other tables, so one without a column is only said.
void note_unused_mappings(const TableConfig& config, const TableInfo& info, std::vector<std::string>& notes) {
  for (const TypeMapping& mapping : config.type_mappings) {
    const bool used = std::any_of(info.columns.begin(), info.columns.end(), [&](const SourceColumn& column) {
      const std::vector<std::string> names = spellings(column);
      return std::find(names.begin(), names.end(), squeeze(mapping.source_type)) != names.end();
    });
    if (!used) notes.push_back("no column is of the type " + mapping.source_type + " that columnTypeMappings names");
  }
}

const SourceColumn* find_column(const TableInfo& info, const WrittenName& name, NameRule rule) {
  // An exact match wins where several columns differ in case only.
  for (const SourceColumn& column : info.columns)
    if (column.name == name.text) return &column;
  for (const SourceColumn& column : info.columns)
    if (matches(name, column.name, rule)) return &column;
  return nullptr;
}

std::string column_hint(const TableInfo& info, const std::string& name) {
  std::vector<std::string> names;
  for (const SourceColumn& column : info.columns) names.push_back(column.name);
  const auto near = did_you_mean(name, names);
  return near ? "did you mean " + *near + "?" : "";
}

// Taken apart, or a finding and nothing.
std::optional<WrittenName> read_name(const std::string& written, const std::string& where,
                                     std::vector<Finding>& findings) {
  if (written.empty()) return WrittenName{};
  try {
    return parse_written_name(written);
  } catch (const Error& e) {
    findings.push_back({ErrorKind::usage, {where, e.message(), e.hint()}});
    return std::nullopt;
  }
}

std::string target_name(const TableConfig& config, const TableInfo& info, const SourceColumn& column, NameRule rule,
                        const Warehouse& warehouse, std::vector<Finding>& findings) {
  for (std::size_t i = 0; i < config.name_mappings.size(); ++i) {
    const NameMapping& mapping = config.name_mappings[i];
    const std::string where = fmt::format("{}.columnNameMappings[{}]", config.where, i);
    const auto from = read_name(mapping.source_name, where + ".sourceName", findings);
    if (!from || !matches(*from, column.name, rule)) continue;
    if (const auto to = read_name(mapping.target_name, where + ".targetName", findings)) return warehouse.column_name(*to);
  }
  // Names that only their letters' case tells apart are kept as they are.
  const std::string folded = warehouse.column_name({column.name, false});
  const bool alone = std::none_of(info.columns.begin(), info.columns.end(), [&](const SourceColumn& other) {
    return other.name != column.name && warehouse.column_name({other.name, false}) == folded;
  });
  return alone ? folded : warehouse.column_name({column.name, true});
}

void check_names(const TableConfig& config, const TableInfo& info, NameRule rule, std::vector<Finding>& findings) {
  const auto check = [&](const std::string& written, const std::string& where) {
    const auto name = read_name(written, where, findings);
    if (name && find_column(info, *name, rule) == nullptr)
      findings.push_back({ErrorKind::usage, {where, fmt::format("the source has no column {}", written),
                                             column_hint(info, name->text)}});
  };
  for (std::size_t i = 0; i < config.partition_columns.size(); ++i)
    check(config.partition_columns[i], fmt::format("{}.columnNamesToPartitionBy[{}]", config.where, i));
  for (std::size_t i = 0; i < config.primary_key_columns.size(); ++i)
    check(config.primary_key_columns[i], fmt::format("{}.primaryKeyColumns[{}]", config.where, i));
  for (std::size_t i = 0; i < config.name_mappings.size(); ++i)
    check(config.name_mappings[i].source_name,
          fmt::format("{}.columnNameMappings[{}].sourceName", config.where, i));
}

// What differs between the planned columns and a table that stands in the target already.
void check_deployed(const TableConfig& config, const TablePlan& plan, const Warehouse& warehouse,
                    const DeployedTable& deployed, std::vector<Finding>& findings) {
  const std::string where = config.where + ".target";
  for (const ColumnPlan& column : plan.columns) {
    const auto found = std::find_if(deployed.columns.begin(), deployed.columns.end(), [&](const DeployedColumn& d) {
      return warehouse.same_column(d.name, column.target_name);
    });
    if (found == deployed.columns.end()) {
      findings.push_back({ErrorKind::drift,
                          {where, fmt::format("{} has no column {}", plan.target.display(), column.target_name),
                           "add it to the target table, or drop the table and let pulk make it"}});
    } else if (!found->nullable && column.nullable) {
      findings.push_back({ErrorKind::drift,
                          {where, fmt::format("{}.{} is NOT NULL, the source column may hold NULL",
                                              plan.target.display(), found->name),
                           "drop NOT NULL in the target, or filter by whereClauseCriteria and make the source column "
                           "NOT NULL"}});
    }
  }
  for (const DeployedColumn& column : deployed.columns) {
    const bool planned = std::any_of(plan.columns.begin(), plan.columns.end(), [&](const ColumnPlan& c) {
      return warehouse.same_column(c.target_name, column.name);
    });
    if (!planned && !column.nullable && !column.has_default)
      findings.push_back({ErrorKind::drift,
                          {where, fmt::format("{}.{} is NOT NULL and the source has no such column",
                                              plan.target.display(), column.name),
                           "map a source column to it by columnNameMappings, or drop it"}});
  }
}

}  // namespace

TableRequest request_of(const TableConfig& config, std::vector<Finding>& findings) {
  TableRequest request;
  request.query = config.query;
  request.filter = config.filter;
  const std::string where = config.where + ".source.";
  if (auto name = read_name(config.source.database, where + "databaseName", findings)) request.database = *name;
  if (auto name = read_name(config.source.schema, where + "schemaName", findings)) request.schema = *name;
  if (auto name = read_name(config.source.table, where + "tableName", findings)) request.table = *name;
  return request;
}

TablePlan plan_columns(const TableConfig& config, const TableInfo& info, NameRule source_rule,
                       const Warehouse& warehouse, const std::optional<DeployedTable>& deployed,
                       std::vector<Finding>& findings) {
  check_names(config, info, source_rule, findings);
  TablePlan plan;
  plan.source = info.object;
  plan.schema_fingerprint = info.fingerprint;
  plan.rows_estimate = info.rows_estimate;
  plan.bytes_estimate = info.bytes_estimate;
  plan.notes = info.notes;
  note_unused_mappings(config, info, plan.notes);
  plan.target_exists = deployed.has_value();
  const std::string where = config.where + ".target.";
  const auto database = read_name(config.target.database, where + "databaseName", findings);
  const auto schema = read_name(config.target.schema, where + "schemaName", findings);
  const auto table = read_name(config.target.table, where + "tableName", findings);
  if (database && schema && table) plan.target = warehouse.resolve(*database, *schema, *table);
  plan.label = info.object.is_query() ? plan.target.display() : info.object.name.display();

  for (const SourceColumn& column : info.columns) {
    ColumnPlan way;
    way.source_name = column.name;
    way.source_type = column.native_type;
    way.nullable = column.nullable;
    way.note = column.note;
    way.target_name = target_name(config, info, column, source_rule, warehouse, findings);
    const std::string mapped = mapped_type(config, column);
    std::string deployed_type;
    if (deployed)
      for (const DeployedColumn& d : deployed->columns)
        if (warehouse.same_column(d.name, way.target_name)) deployed_type = d.type;

    LogicalType logical = column.logical.value_or(LogicalType{TypeKind::text, 0, 0, 0});
    TypeChoice choice;
    if (!column.logical && !(column.readable_as_text && !mapped.empty())) {
      choice.refusal = column.refusal;
      if (column.readable_as_text)
        choice.hint = fmt::format("take it as text: columnTypeMappings {{\"sourceType\": \"{}\", \"targetType\": "
                                  "\"VARCHAR\"}}", column.bare_type);
    } else {
      choice = warehouse.choose_type(logical, way.target_name, mapped, deployed_type);
    }
    way.logical = logical;
    way.carrier = choice.carrier;
    way.target_type = choice.target_type;
    way.load_expression = choice.load_expression;
    way.least = choice.least;
    way.most = choice.most;
    way.refusal = choice.refusal;
    way.refusal_hint = choice.hint;
    if (!choice.note.empty()) way.note += (way.note.empty() ? "" : "; ") + choice.note;
    if (!way.refusal.empty())
      // What a column that stands in the target already cannot hold is a difference between the two sides.
      findings.push_back({deployed_type.empty() ? ErrorKind::refused : ErrorKind::drift,
                          {fmt::format("{}: column {} ({})", plan.label, way.source_name, way.source_type), way.refusal,
                           way.refusal_hint}});
    for (const ColumnPlan& other : plan.columns)
      if (warehouse.same_column(other.target_name, way.target_name))
        findings.push_back({ErrorKind::refused,
                            {fmt::format("{}: columns {} and {}", plan.label, other.source_name, way.source_name),
                             fmt::format("{} cannot tell {} and {} apart", warehouse.kind(), other.target_name,
                                         way.target_name),
                             "give one of them another name by columnNameMappings"}});
    plan.columns.push_back(std::move(way));
  }
  if (plan.columns.empty())
    findings.push_back({ErrorKind::refused, {plan.label, "the source has no columns", ""}});

  // The user's key goes before the catalog's.
  std::vector<std::string> key = info.primary_key;
  if (!config.primary_key_columns.empty()) {
    key.clear();
    for (const std::string& written : config.primary_key_columns) {
      std::vector<Finding> reported_already;
      const auto name = read_name(written, "", reported_already);
      const SourceColumn* column = name ? find_column(info, *name, source_rule) : nullptr;
      if (column != nullptr) key.push_back(column->name);
    }
  }
  for (const std::string& name : key)
    for (const ColumnPlan& column : plan.columns)
      if (column.source_name == name) plan.primary_key.push_back(column.target_name);
  if (deployed) check_deployed(config, plan, warehouse, *deployed, findings);
  return plan;
}

std::int64_t wanted_pieces(const PartitionSize& size, const SizingFacts& facts) {
  std::int64_t bytes = facts.bytes;
  if (bytes < 0 && facts.rows >= 0) bytes = facts.rows * kGuessedRowBytes;
  const auto divide_up = [](std::int64_t a, std::int64_t b) { return std::max<std::int64_t>(1, (a + b - 1) / b); };
  switch (size.kind) {
    case PartitionSize::Kind::target_size_mb:
      return bytes < 0 ? 1 : divide_up(bytes, size.value * kMiB);
    case PartitionSize::Kind::max_rows:
      return facts.rows < 0 ? 1 : divide_up(facts.rows, size.value);
    case PartitionSize::Kind::automatic:
      break;
  }
  if (bytes <= kTooSmallToCut) return 1;
  std::int64_t pieces = divide_up(bytes, facts.server_side ? kServerSideTarget : kStreamedTarget);
  pieces = std::max<std::int64_t>(pieces, facts.lanes);
  return std::min(pieces, bytes >= kVeryLarge ? kMostPiecesVeryLarge : kMostPieces);
}

PartitionRequest partition_request(const TableConfig& config, const TableInfo& info, const TablePlan& plan,
                                   NameRule source_rule, int lanes, std::vector<Finding>& findings) {
  PartitionRequest request;
  request.pieces = wanted_pieces(config.partition_size, {plan.bytes_estimate, plan.rows_estimate, lanes, false});
  if (config.partition_size.kind == PartitionSize::Kind::max_rows) request.max_rows = config.partition_size.value;
  if (config.partitioning == Partitioning::none) {
    request.pieces = 1;
    request.max_rows = 0;
    return request;
  }
  if (config.partitioning == Partitioning::physical) {
    if (!info.physical_ranges)
      findings.push_back({ErrorKind::refused,
                          {config.where + ".partitioning", plan.label + " cannot be read by page ranges",
                           "name key columns in columnNamesToPartitionBy, or leave partitioning out"}});
    request.physical = true;
    return request;
  }
  for (const std::string& written : config.partition_columns) {
    std::vector<Finding> reported_already;
    const auto name = read_name(written, "", reported_already);
    const SourceColumn* column = name ? find_column(info, *name, source_rule) : nullptr;
    if (column != nullptr) request.key.push_back(column->name);
  }
  // Pages are the cheapest to read: each once, in order, without an index. Only a limit of rows needs the key's index,
  // which can count.
  const bool by_page = config.partitioning == Partitioning::automatic && info.physical_ranges && request.max_rows == 0;
  if (request.key.empty() && !by_page) request.key = info.primary_key;
  if (request.key.empty() && config.partitioning == Partitioning::key)
    findings.push_back({ErrorKind::usage, {config.where + ".partitioning", plan.label + " has no primary key",
                                           "name key columns in columnNamesToPartitionBy"}});
  if (request.key.empty()) request.physical = info.physical_ranges;
  if (request.key.empty() && !request.physical) request.pieces = 1;
  return request;
}

void cut_table(TablePlan& plan, const TableInfo& info, const PartitionRequest& request, Snapshot& snapshot) {
  plan.partitions.clear();
  plan.partition_columns = request.key;
  const bool one_piece = request.pieces <= 1 && request.max_rows == 0;
  if (one_piece || (request.key.empty() && !request.physical)) {
    PartitionPlan whole;
    whole.kind = PartitionKind::whole;
    whole.display = "all rows";
    whole.rows_estimate = plan.rows_estimate;
    whole.bytes_estimate = plan.bytes_estimate;
    plan.partitions.push_back(std::move(whole));
  } else {
    plan.partitions = snapshot.cut(info, request);
  }
  const std::string base = plan_hash(plan);
  int ordinal = 0;
  for (PartitionPlan& partition : plan.partitions) {
    partition.ordinal = ++ordinal;
    partition.id = xxh128_hex(fmt::format("{}:{}:{}", base, ordinal, partition.predicate)).substr(0, 16);
  }
}

void throw_findings(const std::vector<Finding>& findings) {
  if (findings.empty()) return;
  ErrorKind kind = ErrorKind::drift;
  Problems problems;
  for (const Finding& finding : findings) {
    problems.add(finding.problem.where, finding.problem.what, finding.problem.hint);
    // Usage is what the reader can mend at once, drift needs a look at both sides.
    kind = std::min(kind, finding.kind, [](ErrorKind a, ErrorKind b) {
      const auto rank = [](ErrorKind k) { return k == ErrorKind::usage ? 0 : k == ErrorKind::refused ? 1 : 2; };
      return rank(a) < rank(b);
    });
  }
  problems.throw_if_any(kind);
}

}  // namespace pulk
