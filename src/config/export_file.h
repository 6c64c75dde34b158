// The file that says what `pulk export` writes (YAML or JSON, `config/export_tables.yaml` by default): the four fields
// of each export and what pulk offers beyond them. Checked as a whole before any work starts, every problem at once.
// Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pulk {

enum class FileType { parquet, csv, json };
std::string_view to_string(FileType type);

// Who writes the files: pulk from a stream of results, or the warehouse by COPY INTO a stage.
enum class ExportRoad { automatic, stream, unload };
std::string_view to_string(ExportRoad road);

struct CsvOptions {
  bool header = true;
  char delimiter = ',';
  char quote = '"';
  bool quote_all = false;  // else only what needs it
  std::string null_text;   // unquoted; an empty text that is no NULL is written as two quotes
  std::string line_end = "\n";
};

struct ExportEntry {
  std::string where;  // "config/export_tables.yaml:exports[0]", for messages
  std::string table;  // for people; without a query also what is read
  std::string query;  // "" for the whole table
  std::string path;   // key or file below the destination; ends with "/" for a folder of several files
  FileType type = FileType::parquet;
  ExportRoad road = ExportRoad::automatic;
  std::string compression;                // "" for the type's own: parquet zstd, else none; snappy, gzip, lz4, none
  std::int64_t max_file_bytes = 0;        // 0: one file
  std::vector<std::string> partition_by;  // column names; a folder NAME=VALUE for each value
  bool refuse_existing = false;           // else what is there is replaced
  bool manifest = false;                  // _manifest.json beside the files, and _SUCCESS last
  bool json_array = false;                // one array instead of an object per line
  CsvOptions csv;
};

struct ExportFile {
  std::string path;
  std::string source;       // name of a connection in the connections file; "" for Snowflake by the environment
  std::string stage;        // "@DB.SCHEMA.STAGE" over the destination, for the road `unload`
  std::string destination;  // "s3://bucket/prefix", "file:///folder"; "" for the bucket of S3_BUCKET_NAME
  std::vector<ExportEntry> exports;
};

// Throws Error(usage) with all problems: unknown keys and values (with what was meant), two exports to one place,
// options that have no effect together.
ExportFile load_export_file(const std::string& path);

// JSON Schema of the file: what load_export_file checks, and what `pulk schema exports` prints.
std::string_view export_schema();

}  // namespace pulk
