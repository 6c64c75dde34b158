// What the warehouse tests share: a temporary folder, plans, Parquet files on a stage, and reading a target back with
// a DuckDB of its own.
#pragma once

#include <arrow/api.h>
#include <arrow/io/interfaces.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adbc/adbc.h"
#include "base/error.h"
#include "catalog/arrow_schema.h"
#include "catalog/identifier.h"
#include "unit/warehouse/snowflake_target.h"
#include "warehouse/duckdb/duckdb_file.h"
#include "warehouse/duckdb/duckdb_warehouse.h"
#include "warehouse/files/files_warehouse.h"
#include "warehouse/files/layout.h"
#include "warehouse/warehouse.h"

namespace pulk::test {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pulk-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What the planner does: type and load expression chosen by the warehouse.
inline ColumnPlan column_of(const Warehouse& warehouse, const std::string& name, const LogicalType& logical,
                            bool nullable = true, const std::string& mapped = "", const std::string& deployed = "") {
  const TypeChoice choice = warehouse.choose_type(logical, name, mapped, deployed);
  ColumnPlan column;
  column.source_name = column.target_name = name;
  column.nullable = nullable;
  column.logical = logical;
  column.carrier = choice.carrier;
  column.target_type = choice.target_type;
  column.load_expression = choice.load_expression;
  column.refusal = choice.refusal;
  return column;
}

// Table (id BIGINT NOT NULL, name VARCHAR) in n partitions with ids "p1", "p2", ...
inline TablePlan plan_of(const Warehouse& warehouse, const QualifiedName& target, int partitions) {
  TablePlan plan;
  plan.label = target.display();
  plan.target = target;
  plan.columns = {column_of(warehouse, "id", {TypeKind::int64}, false), column_of(warehouse, "name", {TypeKind::text})};
  for (int i = 1; i <= partitions; ++i) {
    PartitionPlan partition;
    partition.ordinal = i;
    partition.id = "p" + std::to_string(i);
    plan.partitions.push_back(partition);
  }
  return plan;
}

inline StagedFile write_file(Stage& stage, const std::string& name, const std::shared_ptr<arrow::Table>& table) {
  auto file = stage.create(name);
  const auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  const auto status =
      parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file->stream(), 1 << 20,
                                 parquet::default_writer_properties(), properties);
  EXPECT_TRUE(status.ok()) << status.ToString();
  StagedFile staged = file->finish();
  staged.rows = table->num_rows();
  return staged;
}

// Rows (id, "row <id>").
inline std::shared_ptr<arrow::Table> id_rows(const std::vector<std::int64_t>& ids) {
  arrow::Int64Builder id;
  arrow::StringBuilder name;
  for (const std::int64_t i : ids) {
    EXPECT_TRUE(id.Append(i).ok());
    EXPECT_TRUE(name.Append("row " + std::to_string(i)).ok());
  }
  return arrow::Table::Make(
      arrow::schema({arrow::field("id", arrow::int64(), false), arrow::field("name", arrow::utf8())}),
      {*id.Finish(), *name.Finish()});
}

inline PartitionLoad load_of(const TablePlan& plan, int ordinal, std::int64_t fence, std::vector<StagedFile> files) {
  PartitionLoad load;
  load.ordinal = ordinal;
  load.partition = plan.partitions.at(static_cast<std::size_t>(ordinal - 1)).id;
  load.fence = fence;
  load.snapshot = "snap";
  load.widest_row = 100;
  for (const StagedFile& file : files) load.rows += file.rows;
  load.files = std::move(files);
  return load;
}

inline const Mark& mark_of(const std::vector<Mark>& marks, const std::string& partition) {
  for (const Mark& mark : marks)
    if (mark.partition == partition) return mark;
  throw std::runtime_error("no mark of " + partition);
}

// One statement in a DuckDB of its own ("" = in memory); every row as text, values joined by "|", NULL as "NULL".
inline std::vector<std::string> ask_duckdb(const std::string& path, const std::string& sql) {
  adbc::Database database(duckdb_library(), "duckdb_adbc_init", {{"path", path.empty() ? ":memory:" : path}});
  adbc::Connection connection(database);
  connection.execute("SET TimeZone = 'UTC'");
  const adbc::Rows rows = connection.query(sql);
  std::vector<std::string> lines;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < rows.width(); ++c)
      line += (c > 0 ? "|" : "") + (rows.is_null(r, c) ? std::string("NULL") : rows.text(r, c));
    lines.push_back(line);
  }
  return lines;
}

template <typename Work>
Error error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorKind::internal, ""};
}

// All targets behind one face.
struct Target {
  std::string kind;
  std::string place;     // the DuckDB file, or the folder
  std::string database;  // in Snowflake; else ""
  std::string spool;
  std::unique_ptr<Warehouse> warehouse;

  std::unique_ptr<WarehouseSession> open() {
    return warehouse->open(std::chrono::milliseconds(200), 128LL << 20, true, nullptr);
  }
  std::unique_ptr<Stage> stage(const std::string& run, const TablePlan& plan) {
    return warehouse->stage(run, plan, spool);
  }
  // The ids of the published table, sorted; nothing when there is no table.
  std::optional<std::vector<std::int64_t>> ids(const QualifiedName& table) const {
    std::vector<std::string> lines;
    if (kind == "snowflake") {
      const std::string name = quote_double(table.schema) + "." + quote_double(table.table);
      try {
        lines = ask_snowflake("SELECT \"id\" FROM " + quote_double(database) + "." + name + " ORDER BY 1");
      } catch (const Error& error) {
        if (!snowflake::is_missing(error)) throw;
        return std::nullopt;
      }
    } else if (kind == "files") {
      const std::string folder = files::table_folder(place, table) + "/current";
      if (!std::filesystem::exists(folder)) return std::nullopt;
      // Copies have names without the characters that mean something in DuckDB's patterns.
      const TempFolder copies;
      int n = 0;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() == ".parquet")
          std::filesystem::copy_file(entry.path(), copies / (std::to_string(++n) + ".parquet"));
      }
      if (n > 0)
        lines = ask_duckdb("", "SELECT id::VARCHAR FROM read_parquet('" + copies.path() + "/*.parquet') ORDER BY id");
    } else {
      try {
        lines =
            ask_duckdb(place, "SELECT id::VARCHAR FROM \"" + table.schema + "\".\"" + table.table + "\" ORDER BY id");
      } catch (const Error&) {
        return std::nullopt;
      }
    }
    std::vector<std::int64_t> ids;
    for (const std::string& line : lines) ids.push_back(std::stoll(line));
    return ids;
  }
};

inline Target make_target(const std::string& kind, const std::string& folder) {
  Target target;
  target.kind = kind;
  target.place = folder + (kind == "files" ? "/out" : "/out.duckdb");
  target.spool = folder + "/spool";
  if (kind == "files") target.warehouse = make_files_warehouse({target.place});
  else if (kind == "duckdb") target.warehouse = make_duckdb_warehouse({target.place});
  else {
    target.database = fresh_database();
    target.warehouse = make_snowflake_warehouse(snowflake_connection(), nullptr);
  }
  return target;
}

// Runs one test of this binary in a process of its own, DISABLED or not, with more environment; gives the wait status.
inline int run_test_elsewhere(const std::string& filter, const std::vector<std::string>& more) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  environment.insert(environment.end(), more.begin(), more.end());
  std::vector<std::string> arguments = {"/proc/self/exe", "--gtest_also_run_disabled_tests", "--gtest_filter=" + filter,
                                        "--gtest_brief=1"};
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
  };
  pid_t pid = 0;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  if (::posix_spawn(&pid, self.c_str(), nullptr, nullptr, pointers(arguments).data(), pointers(environment).data()) !=
      0)
    throw std::runtime_error("posix_spawn");
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

}  // namespace pulk::test
