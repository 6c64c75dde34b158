#include "importer/load_files.h"

#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "catalog/arrow_schema.h"
#include "engine/counting_pool.h"
#include "engine/encoding.h"
#include "engine/parquet_roller.h"
#include "importer/column_plans.h"
#include "importer/file_batches.h"
#include "importer/file_columns.h"
#include "stage/content_digest.h"

namespace pulk {
namespace {

constexpr std::int64_t kEncodingMemory = 256LL << 20;

// A line now and then while much is read.
class Progress {
 public:
  Progress(std::string doing, std::int64_t of) : doing_(std::move(doing)), of_(of) {}
  void add(std::int64_t rows) {
    rows_ += rows;
    if (std::chrono::steady_clock::now() < next_) return;
    next_ += kEvery;
    log_info(doing_ + " " + format_count(rows_) + (of_ > 0 ? " of " + format_count(of_) : "") + " rows");
  }

 private:
  static constexpr std::chrono::seconds kEvery{10};
  const std::string doing_;
  const std::int64_t of_;
  std::int64_t rows_ = 0;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + kEvery;
};

struct stat status_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) throw Error(ErrorKind::usage, std::strerror(errno), path);
  if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::usage, "is no file", path, "name files, not folders or pipes");
  return status;
}

std::int64_t modified(const struct stat& status) {
  return status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
}

LookedAt digest(const std::string& path, CancelToken& cancel) {
  const struct stat status = status_of(path);
  LookedAt file{path, "", status.st_size, 0, modified(status)};
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw Error(ErrorKind::usage, std::strerror(errno), path);
  ContentDigest content;
  std::vector<char> buffer(1U << 20U);
  ssize_t read = 0;
  while ((read = ::read(descriptor, buffer.data(), buffer.size())) > 0 && !cancel.cancelled())
    content.add(buffer.data(), static_cast<std::size_t>(read));
  const int why = errno;
  ::close(descriptor);
  cancel.check();
  if (read < 0) throw Error(ErrorKind::usage, std::strerror(why), path);
  file.digest = content.hex();
  return file;
}

std::unique_ptr<TextRows> open_rows(const InputFiles& input, const std::string& path,
                                    const std::vector<std::string>& columns) {
  return input.format == InputFormat::csv ? open_csv(path, input.csv, columns) : open_json_lines(path);
}

void look_at_parquet(LoadFiles& load, FileColumns& columns,
                     const std::function<std::string(const std::string&)>& name_of) {
  for (LookedAt& file : load.files) {
    std::shared_ptr<arrow::Schema> schema;
    parquet::arrow::FileReaderBuilder builder;
    std::unique_ptr<parquet::arrow::FileReader> reader;
    arrow::Status status = builder.OpenFile(file.path, /*memory_map=*/false);
    if (status.ok()) status = builder.Build(&reader);
    if (status.ok()) status = reader->GetSchema(&schema);
    if (!status.ok()) throw Error(ErrorKind::usage, "cannot be read as Parquet: " + status.message(), file.path);
    file.rows = reader->parquet_reader()->metadata()->num_rows();
    columns.take(
        file.path, schema->field_names(),
        [&](std::size_t i, const std::string& name, const DeployedColumn* column) {
          const auto& field = schema->field(static_cast<int>(i));
          return plan_arrow(field->name(), *field->type(), name, column);
        },
        name_of);
  }
  columns.throw_findings();
  load.table.columns = columns.plans();
  if (load.table.columns.empty()) throw Error(ErrorKind::drift, "has no columns", load.files.front().path);
}

std::int64_t count_rows(const LookedAt& file, const InputFiles& input, const std::vector<ColumnPlan>& columns,
                        const std::vector<std::string>& names, BadRows& bad, SeenColumns* seen, CancelToken& cancel) {
  const auto batches = text_batches(open_rows(input, file.path, names), file.path, columns, bad, seen, counting_pool());
  Progress progress("checked in " + file.path + ":", 0);
  std::int64_t rows = 0;
  while (const auto batch = batches->next()) {
    rows += batch->num_rows();
    progress.add(batch->num_rows());
    cancel.check();
  }
  return rows;
}

void look_at_csv(LoadFiles& load, FileColumns& columns, const DeployedTable& deployed, CancelToken& cancel) {
  const std::vector<std::string> names = names_of(deployed);
  for (const LookedAt& file : load.files)
    columns.take(
        file.path, open_csv(file.path, load.input.csv, names)->names(),
        [&](std::size_t, const std::string& name, const DeployedColumn* column) { return plan_text(name, *column); },
        nullptr);
  columns.throw_findings();
  load.table.columns = columns.plans();
  BadRows bad;
  for (LookedAt& file : load.files)
    file.rows = count_rows(file, load.input, load.table.columns, names, bad, nullptr, cancel);
  bad.throw_if_any();
}

// Which columns there are is known when all rows were read.
void look_at_json(LoadFiles& load, const DeployedTable& deployed, CancelToken& cancel) {
  std::vector<ColumnPlan> plans, reading;
  for (const DeployedColumn& column : deployed.columns) {
    plans.push_back(plan_text(column.name, column));
    reading.push_back(plans.back());
    ColumnPlan& read = reading.back();
    if (!read.refusal.empty()) {
      read.target_type = "VARCHAR";
      read.carrier = {CarrierKind::utf8};
    }
    // Perhaps no row has it, and then its default is what it gets.
    read.nullable = column.nullable || column.has_default;
  }
  BadRows bad;
  SeenColumns seen(plans.size());
  for (LookedAt& file : load.files) file.rows = count_rows(file, load.input, reading, {}, bad, &seen, cancel);
  bad.throw_if_any();
  if (load.rows() == 0) seen.assign(plans.size(), true);
  Problems types;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (!seen[i]) continue;
    if (!plans[i].refusal.empty()) types.add("column " + plans[i].target_name, plans[i].refusal, plans[i].refusal_hint);
    load.table.columns.push_back(plans[i]);
  }
  types.throw_if_any(ErrorKind::refused);
  if (load.table.columns.empty())
    throw Error(ErrorKind::drift, "no row has a column of the table", load.files.front().path);
}

}  // namespace

std::optional<InputFormat> format_by_name(const std::string& path) {
  std::string name = to_lower(path);
  for (const char* ending : {".gz", ".zst"})
    if (name.ends_with(ending)) {
      name.resize(name.size() - std::string_view(ending).size());
      if (name.ends_with(".parquet")) return std::nullopt;
    }
  if (name.ends_with(".parquet")) return InputFormat::parquet;
  if (name.ends_with(".csv") || name.ends_with(".tsv")) return InputFormat::csv;
  for (const char* ending : {".json", ".jsonl", ".ndjson"})
    if (name.ends_with(ending)) return InputFormat::json;
  return std::nullopt;
}

std::int64_t LoadFiles::rows() const {
  std::int64_t sum = 0;
  for (const LookedAt& file : files) sum += file.rows;
  return sum;
}

LoadFiles look_at_files(const InputFiles& input, const QualifiedName& target,
                        const std::optional<DeployedTable>& deployed,
                        const std::function<std::string(const std::string&)>& name_of, CancelToken& cancel) {
  LoadFiles load;
  load.input = input;
  load.table.target = target;
  load.table.label = target.display();
  load.table.target_exists = deployed.has_value();
  Problems unreadable;
  for (const std::string& path : input.paths) {
    try {
      load.files.push_back(digest(path, cancel));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage) throw;
      unreadable.add(error.subject(), error.message(), error.hint());
    }
  }
  unreadable.throw_if_any();
  FileColumns columns(deployed);
  if (input.format == InputFormat::parquet)
    look_at_parquet(load, columns, name_of);
  else if (input.format == InputFormat::csv)
    look_at_csv(load, columns, *deployed, cancel);
  else
    look_at_json(load, *deployed, cancel);
  if (deployed)
    for (const DeployedColumn& column : deployed->columns)
      if (std::none_of(load.table.columns.begin(), load.table.columns.end(),
                       [&](const ColumnPlan& plan) { return plan.target_name == column.name; }))
        load.absent.push_back(column.name);
  return load;
}

std::vector<StagedFile> stage_files(const LoadFiles& load, Stage& stage, const std::string& prefix,
                                    std::int64_t largest_file, std::int64_t open_file_memory, CancelToken& cancel) {
  EncodeOptions encode;
  encode.file_bytes = std::min(encode.file_bytes, largest_file);
  encode.open_file_bytes = open_file_memory;
  encode = fit_to_budget(encode, static_cast<int>(load.table.columns.size()), kEncodingMemory);
  ParquetRoller roller(stage, prefix, arrow_schema(load.table.columns), encode, counting_pool());
  std::vector<std::string> names;
  for (const ColumnPlan& column : load.table.columns) names.push_back(column.source_name);
  Progress progress("staged", load.rows());
  for (const LookedAt& file : load.files) {
    BadRows bad;
    const auto batches = load.input.format == InputFormat::parquet
                             ? parquet_batches(file.path, load.table, bad, counting_pool())
                             : text_batches(open_rows(load.input, file.path, names), file.path, load.table.columns, bad,
                                            nullptr, counting_pool());
    std::int64_t rows = 0;
    while (auto batch = batches->next()) {
      cancel.check();
      rows += batch->num_rows();
      progress.add(batch->num_rows());
      const std::int64_t bytes = arrow::util::TotalBufferSize(*batch);
      roller.write(std::move(batch), bytes);
    }
    bad.throw_if_any();
    const struct stat now = status_of(file.path);
    if (now.st_size != file.bytes || modified(now) != file.modified)
      throw Error(ErrorKind::retryable, "was changed while it was read", file.path,
                  "run the command again when it is done");
    if (rows != file.rows)
      throw Error(ErrorKind::integrity,
                  fmt::format("has {} where {} were counted", plural(rows, "row"), format_count(file.rows)), file.path);
  }
  std::vector<StagedFile> files = roller.finish(false);
  std::int64_t encoded = 0;
  for (const StagedFile& file : files) encoded += file.rows;
  if (encoded != load.rows())
    throw Error(ErrorKind::integrity,
                fmt::format("{} rows were read, {} are in the staged files", load.rows(), encoded));
  return files;
}

}  // namespace pulk
