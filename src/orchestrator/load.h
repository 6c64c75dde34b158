// `pulk load`: local files into a table of Snowflake, all of them or none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "config/snowflake_connection.h"
#include "importer/load_files.h"

namespace pulk {

struct LoadOptions {
  std::vector<std::string> files;
  std::string table;   // as a person writes it: TABLE, SCHEMA.TABLE or DATABASE.SCHEMA.TABLE
  std::string format;  // parquet, csv, json; "" by the names of the files
  std::string delimiter, null_text;
  bool no_header = false;
  bool allow_empty = false;  // files without any byte are files of no rows
  bool replace = false, create = false;
  std::string workspace = ".pulk";  // staged files wait below it for their upload
  std::string give_up;
  int tries = 3;
};

// Throws Error(usage) with all that is wrong with the options themselves; nothing is opened but the files' folders.
InputFiles check_load_options(const LoadOptions& options);

struct LoadSummary {
  std::int64_t rows = 0;
  std::string table;
  bool already = false;  // an earlier command of the kind had loaded them and was not seen to end
};

// Throws Error.
LoadSummary run_load(const SnowflakeConnection& connection, const LoadOptions& options, const InputFiles& input,
                     CancelToken& cancel);

}  // namespace pulk
