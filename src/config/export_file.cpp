#include "config/export_file.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "config/document.h"
#include "config/export_path.h"
#include "config/schema_check.h"

namespace pulk {
namespace {

using nlohmann::json;

constexpr std::int64_t kSmallestFile = 1 << 20;

const json& structure() {
  static const json schema = json::parse(export_schema());
  return schema;
}

// Values of one object; what is not there, is null or has the wrong type is the default.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {}

  bool has(const char* key) const {
    const auto found = object_.find(key);
    return found != object_.end() && !found->is_null();
  }
  std::string text(const char* key, std::string otherwise = "") const {
    return has(key) && object_.at(key).is_string() ? object_.at(key).get<std::string>() : std::move(otherwise);
  }
  bool flag(const char* key, bool otherwise) const {
    return has(key) && object_.at(key).is_boolean() ? object_.at(key).get<bool>() : otherwise;
  }
  Fields inside(const char* key) const {
    static const json nothing = json::object();
    return Fields(has(key) && object_.at(key).is_object() ? object_.at(key) : nothing);
  }
  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> all;
    if (has(key) && object_.at(key).is_array())
      for (const json& item : object_.at(key))
        if (item.is_string()) all.push_back(item.get<std::string>());
    return all;
  }

 private:
  const json& object_;
};

FileType file_type(const std::string& text) {
  if (text == "csv") return FileType::csv;
  if (text == "json") return FileType::json;
  return FileType::parquet;
}

ExportRoad road(const std::string& text) {
  if (text == "stream") return ExportRoad::stream;
  if (text == "unload") return ExportRoad::unload;
  return ExportRoad::automatic;
}

CsvOptions csv_options(const Fields& fields) {
  CsvOptions csv;
  csv.header = fields.flag("header", true);
  if (const std::string delimiter = fields.text("delimiter"); delimiter.size() == 1) csv.delimiter = delimiter[0];
  csv.quote_all = fields.text("quoting") == "all";
  csv.null_text = fields.text("null_text");
  if (fields.text("line_end") == "crlf") csv.line_end = "\r\n";
  return csv;
}

class EntryReader {
 public:
  EntryReader(const json& object, std::string where, Problems& problems)
      : fields_(object), where_(std::move(where)), problems_(problems) {}

  ExportEntry read() {
    ExportEntry entry;
    entry.where = where_;
    entry.table = std::string(trim(fields_.text("table")));
    entry.path = fields_.text("s3_path");
    entry.type = file_type(fields_.text("file_type"));
    entry.road = road(fields_.text("road"));
    entry.compression = fields_.text("compression");
    entry.partition_by = fields_.texts("partition_by");
    entry.refuse_existing = fields_.text("if_exists") == "refuse";
    entry.manifest = fields_.flag("manifest", entry.path.ends_with('/'));
    entry.json_array = fields_.inside("json").flag("array", false);
    entry.csv = csv_options(fields_.inside("csv"));
    read_query(entry);
    read_size(entry);
    check_path(entry);
    check_options(entry);
    if (entry.road == ExportRoad::unload) check_unload(entry);
    return entry;
  }

 private:
  void problem(const std::string& key, const std::string& what, const std::string& hint = "") {
    problems_.add(where_ + "." + key, what, hint);
  }

  void read_query(ExportEntry& entry) {
    if (!fields_.has("query")) return;
    const std::string text = fields_.text("query");
    std::string_view query = trim(text);
    while (query.ends_with(';')) query = trim(query.substr(0, query.size() - 1));
    if (query.empty()) problem("query", "must not be empty", "write null to read the whole table");
    entry.query = query;
  }

  void read_size(ExportEntry& entry) {
    if (!fields_.has("max_file_size")) return;
    const std::string text = fields_.text("max_file_size");
    const auto bytes = parse_bytes(text);
    if (!bytes)
      problem("max_file_size", show_value(text) + " is no size", "write it like 256MiB or 1GiB");
    else if (*bytes < kSmallestFile)
      problem("max_file_size", show_value(text) + " is too small: at least 1MiB");
    else
      entry.max_file_bytes = *bytes;
  }

  void check_path(const ExportEntry& entry) {
    const std::string& path = entry.path;
    if (path.empty()) return;  // the structure says so already
    if (const auto wrong = problem_of_path(path)) problem("s3_path", wrong->what, wrong->hint);
    if (path.ends_with('/')) return;
    if (fields_.flag("manifest", false))
      problem("manifest", "has no effect: s3_path names one file", "write a folder, with a slash at its end");
    for (const char* key : {"max_file_size", "partition_by"})
      if (fields_.has(key))
        problem(key, "makes several files, and s3_path names one",
                "write a folder: " + show_value(path.substr(0, path.rfind('.')) + "/"));
  }

  void check_options(const ExportEntry& entry) {
    const std::string type(to_string(entry.type));
    if (fields_.has("csv") && entry.type != FileType::csv) problem("csv", "has no effect: file_type is " + type);
    if (fields_.has("json") && entry.type != FileType::json) problem("json", "has no effect: file_type is " + type);
    const std::vector<std::string> codecs = entry.type == FileType::parquet
                                                ? std::vector<std::string>{"zstd", "snappy", "gzip", "lz4", "none"}
                                                : std::vector<std::string>{"none", "gzip", "zstd"};
    if (!entry.compression.empty() && std::find(codecs.begin(), codecs.end(), entry.compression) == codecs.end())
      problem("compression", entry.compression + " is not for " + type, "write one of " + join(codecs, ", "));
    if (contains(entry.csv.null_text, std::string(1, entry.csv.delimiter)))
      problem("csv.null_text", "has the delimiter in it");
    std::vector<std::string> seen;
    for (const std::string& column : entry.partition_by) {
      if (std::find(seen.begin(), seen.end(), column) != seen.end())
        problem("partition_by", "names " + show_value(column) + " twice");
      seen.push_back(column);
    }
  }

  // What COPY INTO a stage cannot do, or not as pulk does it.
  void check_unload(const ExportEntry& entry) {
    const std::string stream = "write road: stream";
    if (entry.type == FileType::json) problem("road", "unload writes parquet and csv", stream);
    if (!entry.partition_by.empty()) problem("partition_by", "is only for road: stream", stream);
    if (entry.type == FileType::parquet && !entry.compression.empty() && entry.compression != "snappy" &&
        entry.compression != "none")
      problem("compression", "Snowflake unloads Parquet with snappy or none", stream);
    if (entry.csv.quote_all) problem("csv.quoting", "Snowflake quotes texts, and never numbers", stream);
    constexpr std::string_view kInNumbers = "0123456789.+-";
    if (kInNumbers.find(entry.csv.delimiter) != std::string_view::npos ||
        std::isalpha(static_cast<unsigned char>(entry.csv.delimiter)) != 0)
      problem("csv.delimiter", "stands in numbers or in true and false, which Snowflake does not quote", stream);
    const std::string& null = entry.csv.null_text;
    if (!null.empty() && (null.find_first_not_of(kInNumbers) == std::string::npos || null == "true" || null == "false"))
      problem("csv.null_text", "reads like a value that Snowflake does not quote", stream);
  }

  Fields fields_;
  std::string where_;
  Problems& problems_;
};

void check_stage(const ExportFile& file, Problems& problems) {
  const bool unloads = std::any_of(file.exports.begin(), file.exports.end(),
                                   [](const ExportEntry& entry) { return entry.road == ExportRoad::unload; });
  if (!unloads) {
    if (!file.stage.empty()) problems.add(where_of(file.path, "stage"), "has no effect: no export has road: unload");
    return;
  }
  if (file.stage.empty())
    problems.add(where_of(file.path, "stage"), "is missing: Snowflake unloads into a stage of its own",
                 "write stage: \"@DATABASE.SCHEMA.STAGE\", an external stage over the bucket");
  if (!file.source.empty() && !file.source.starts_with("snowflake"))
    problems.add(where_of(file.path, "source"), "is " + file.source + ": only Snowflake unloads", "write road: stream");
  if (file.destination.starts_with("file://"))
    problems.add(where_of(file.path, "destination"), "is a folder of this machine: Snowflake cannot unload there",
                 "write road: stream");
}

// Two exports must not write to one place, nor one into the folder of another.
void check_places(const std::vector<ExportEntry>& exports, Problems& problems) {
  for (std::size_t i = 0; i < exports.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const std::string &a = exports[j].path, &b = exports[i].path;
      if (a.empty() || b.empty()) continue;
      const std::string other = exports[j].where.substr(exports[j].where.rfind(':') + 1);
      if (a == b)
        problems.add(exports[i].where + ".s3_path", show_value(b) + " is where " + other + " writes too");
      else if ((a.ends_with('/') && b.starts_with(a)) || (b.ends_with('/') && a.starts_with(b)))
        problems.add(exports[i].where + ".s3_path",
                     show_value(b) + " and " + show_value(a) + " of " + other + " are one inside the other");
    }
}

}  // namespace

std::string_view to_string(FileType type) {
  switch (type) {
    case FileType::parquet:
      return "parquet";
    case FileType::csv:
      return "csv";
    case FileType::json:
      return "json";
  }
  return "";
}

std::string_view to_string(ExportRoad road) {
  switch (road) {
    case ExportRoad::automatic:
      return "auto";
    case ExportRoad::stream:
      return "stream";
    case ExportRoad::unload:
      return "unload";
  }
  return "";
}

ExportFile load_export_file(const std::string& path) {
  Problems problems;
  const json document = read_document(path, "exports", problems);
  check_against_schema(document, structure(), path, problems);

  ExportFile file;
  file.path = path;
  if (document.is_object()) {
    const Fields fields(document);
    file.source = fields.text("source");
    file.destination = fields.text("destination");
    file.stage = fields.text("stage");
    if (const auto list = document.find("exports"); list != document.end() && list->is_array())
      for (std::size_t i = 0; i < list->size(); ++i)
        if ((*list)[i].is_object())
          file.exports.push_back(EntryReader((*list)[i], where_of(path, path_of("exports", i)), problems).read());
  }
  check_places(file.exports, problems);
  check_stage(file, problems);
  problems.throw_if_any();
  return file;
}

}  // namespace pulk
