// The files of one load: what they are, how their columns travel into the table, and their rows as files on a stage.
// Everything about them is looked at before the first of them is staged.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "catalog/table_plan.h"
#include "importer/text_rows.h"
#include "stage/stage.h"
#include "warehouse/warehouse.h"

namespace pulk {

enum class InputFormat { parquet, csv, json };

struct InputFiles {
  std::vector<std::string> paths;
  InputFormat format = InputFormat::parquet;
  CsvInput csv;
};

// .parquet, .csv, .tsv, .json, .jsonl, .ndjson; the last five also with .gz or .zst behind. Nothing for others.
std::optional<InputFormat> format_by_name(const std::string& path);

// A file as it was looked at.
struct LookedAt {
  std::string path;
  std::string digest;  // XXH3-128 of its bytes
  std::int64_t bytes = 0, rows = 0;
  std::int64_t modified = 0;  // nanoseconds
};

struct LoadFiles {
  std::vector<LookedAt> files;
  TablePlan table;                  // columns, target; what they are called is in the file's or the table's order
  std::vector<std::string> absent;  // columns of the table that get their default, or NULL
  InputFiles input;
  std::int64_t rows() const;
};

// `deployed` is the table as it is; without one it is to be made of the columns of Parquet files, each called what
// `name_of` says. Throws Error with all findings: usage for files that cannot be read, drift for columns that do not
// meet the table's, refused for types and for rows that have no place in it.
LoadFiles look_at_files(const InputFiles& input, const QualifiedName& target,
                        const std::optional<DeployedTable>& deployed,
                        const std::function<std::string(const std::string&)>& name_of, CancelToken& cancel);

// All rows as Parquet files named prefix-001.parquet and so on. Throws Error(retryable) when a file is not any more
// what was looked at, Error(integrity) when a count differs.
std::vector<StagedFile> stage_files(const LoadFiles& load, Stage& stage, const std::string& prefix,
                                    std::int64_t largest_file, std::int64_t open_file_memory, CancelToken& cancel);

}  // namespace pulk
