#include "orchestrator/load.h"

#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "catalog/dotted_name.h"
#include "catalog/identifier.h"
#include "exporter/snowflake_session.h"
#include "importer/bad_rows.h"
#include "importer/table_load.h"
#include "importer/text_file.h"
#include "warehouse/snowflake/snowflake_warehouse.h"

namespace pulk {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRunPrefix = "load-";

std::string_view name_of(InputFormat format) {
  return format == InputFormat::parquet ? "parquet" : format == InputFormat::csv ? "csv" : "json";
}

void check_files(const LoadOptions& options, Problems& problems) {
  std::set<std::string> seen;
  for (const std::string& path : options.files) {
    std::error_code why;
    if (path == "-")
      problems.add("-", "standard input cannot be read twice, as a load must", "write it to a file first");
    else if (!fs::exists(path, why))
      problems.add(path, "there is no such file");
    else if (!seen.insert(fs::canonical(path, why).string()).second)
      problems.add(path, "is named twice");
  }
}

std::optional<InputFormat> format_of(const LoadOptions& options, Problems& problems) {
  std::optional<InputFormat> format;
  if (!options.format.empty())
    return options.format == "csv"    ? InputFormat::csv
           : options.format == "json" ? InputFormat::json
                                      : InputFormat::parquet;
  for (const std::string& path : options.files) {
    const auto one = format_by_name(path);
    if (!one)
      problems.add(path, "its name does not say what it is", "add --format parquet, csv or json");
    else if (format && *format != *one)
      problems.add(path,
                   std::string("is ") + std::string(name_of(*one)) + ", and " + options.files.front() + " is " +
                       std::string(name_of(*format)),
                   "load files of one format at a time");
    else
      format = one;
  }
  return format;
}

char delimiter_of(const LoadOptions& options, Problems& problems) {
  if (options.delimiter == "\\t" || options.delimiter == "tab") return '\t';
  if (options.delimiter.empty()) return to_lower(options.files.front()).find(".tsv") != std::string::npos ? '\t' : ',';
  if (options.delimiter.size() == 1 && !contains("\"\r\n", options.delimiter)) return options.delimiter[0];
  problems.add("--delimiter", shown_value(options.delimiter) + " is not one character",
               "write one like ; or | or \\t for a tab");
  return ',';
}

// A file that somebody else failed to write would empty the table by --replace.
void check_emptiness(const LoadOptions& options, Problems& problems) {
  for (const std::string& path : options.files) {
    try {
      if (fs::is_regular_file(path) && TextInput(path).size() == 0)
        problems.add(path, "is empty: it has not one byte",
                     "look at what should have written it; --allow-empty takes it for a file of no rows");
    } catch (const Error&) {
      // What cannot be read is told with the others when they are read.
    }
  }
}

TableLoad plan_load(const LoadOptions& options, LoadFiles& files) {
  TableLoad load;
  // What decides which rows the table has in the end; where the files lie does not.
  std::string identity = options.replace ? "replace\n" : "append\n";
  for (const LookedAt& file : files.files) identity += file.digest + "\n";
  identity += std::string(1, files.input.csv.delimiter) + files.input.csv.null_text + "\n" +
              (files.input.csv.header ? "header\n" : "no header\n") + plan_hash(files.table);
  const std::string id = xxh128_hex(identity).substr(0, 16);
  PartitionPlan partition;
  partition.ordinal = 1;
  partition.id = id;
  partition.display = plural(static_cast<std::int64_t>(files.files.size()), "file");
  files.table.partitions = {partition};
  load.run = std::string(kRunPrefix) + id;
  load.plan = files.table;
  load.mode = options.replace ? PublishMode::replace : PublishMode::append;
  load.rows = files.rows();
  load.spool = (fs::absolute(options.workspace) / "spool").string();
  load.give_up = options.give_up;
  load.tries = options.tries;
  return load;
}

// A table may be missing because its database or schema is: throws then. `written`: database, schema and table as the
// person wrote them, "" where the connection says them.
void check_place(SnowflakeConnection connection, const std::vector<WrittenName>& written, const QualifiedName& target,
                 const std::string& table, CancelToken& cancel) {
  connection.database = quote_double(target.database);
  connection.schema = quote_double(target.schema);
  if (!written[0].empty()) connection.database_where = "--into " + table;
  if (!written[1].empty()) connection.schema_where = "--into " + table;
  open_session(connection, R"({"application":"pulk","command":"load"})", &cancel);
}

}  // namespace

InputFiles check_load_options(const LoadOptions& options) {
  Problems problems;
  check_files(options, problems);
  InputFiles input;
  input.paths = options.files;
  const auto format = format_of(options, problems);
  input.format = format.value_or(InputFormat::parquet);
  if (format && *format != InputFormat::csv) {
    if (!options.delimiter.empty()) problems.add("--delimiter", "has no effect: the files are no CSV");
    if (!options.null_text.empty()) problems.add("--null-text", "has no effect: the files are no CSV");
    if (options.no_header) problems.add("--no-header", "has no effect: the files are no CSV");
  }
  if (format && *format != InputFormat::parquet && options.create)
    problems.add("--create", "CSV and JSON files do not say what types their columns have",
                 "CREATE TABLE first: pulk query \"CREATE TABLE ...\"");
  if (format && *format != InputFormat::parquet && !options.allow_empty) check_emptiness(options, problems);
  input.csv.delimiter = delimiter_of(options, problems);
  input.csv.header = !options.no_header;
  input.csv.null_text = options.null_text;
  if (contains(options.null_text, "\"") || contains(options.null_text, std::string(1, input.csv.delimiter)))
    problems.add("--null-text", "has a quote or the delimiter in it");
  if (!options.give_up.empty() && !options.give_up.starts_with(kRunPrefix))
    problems.add("--give-up", options.give_up + " is no load", "runs of migrate are given up by pulk clean --abandon");
  try {
    parse_dotted_name(options.table);
  } catch (const Error& error) {
    problems.add("--into", error.message(), error.hint());
  }
  problems.throw_if_any();
  return input;
}

LoadSummary run_load(const SnowflakeConnection& connection, const LoadOptions& options, const InputFiles& input,
                     CancelToken& cancel) {
  const auto warehouse = make_snowflake_warehouse(connection, &cancel);
  std::vector<WrittenName> names = parse_dotted_name(options.table);
  while (names.size() < 3) names.insert(names.begin(), WrittenName{});
  if (names[0].empty() && connection.database.empty())
    throw Error(ErrorKind::usage, "the table's database is not known", options.table,
                "write --into DATABASE.SCHEMA.TABLE, or set SNOWFLAKE_DATABASE");
  const QualifiedName target = warehouse->resolve(names[0], names[1], names[2]);
  warehouse->check_location();

  std::optional<DeployedTable> deployed;
  deployed = warehouse->open(std::chrono::seconds(30), 0, false, &cancel)->describe(target);
  if (!deployed && !options.create) {
    check_place(connection, names, target, options.table, cancel);
    throw Error(ErrorKind::usage, "there is no such table, or the role of this connection does not see it",
                target.display(),
                input.format == InputFormat::parquet ? "add --create to have it made, or CREATE TABLE first"
                                                     : "CREATE TABLE first: pulk query \"CREATE TABLE ...\"");
  }
  log_info("reading " + plural(static_cast<std::int64_t>(input.paths.size()), "file"));
  LoadFiles files = look_at_files(
      input, target, deployed,
      [&](const std::string& name) { return warehouse->column_name(WrittenName{name, false}); }, cancel);
  if (!files.absent.empty())
    log_info("not in the files, so they get their default or NULL: " + join(files.absent, ", "));
  const std::string what =
      plural(files.rows(), "row") + " of " + plural(static_cast<std::int64_t>(files.files.size()), "file");
  log_info("loading " + what + " into " + target.display());
  TableLoad load = plan_load(options, files);
  load.stage_files = [&](Stage& stage, const std::string& prefix) {
    return stage_files(files, stage, prefix, warehouse->largest_file(), warehouse->open_file_memory(), cancel);
  };
  const bool fresh = !fs::exists(options.workspace);
  const TableLoaded loaded = load_table(*warehouse, load, cancel);
  std::error_code ignored;
  if (fresh) fs::remove(options.workspace, ignored);
  if (loaded.rows != files.rows())
    throw Error(ErrorKind::integrity,
                format_count(loaded.rows) + " rows are in the table where the files have " + format_count(files.rows()),
                target.display());
  return {loaded.rows, target.display(), loaded.already};
}

}  // namespace pulk
