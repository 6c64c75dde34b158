#include "warehouse/duckdb/duckdb_warehouse.h"

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "stage/local/local_stage.h"
#include "warehouse/choose_type.h"
#include "warehouse/duckdb/duckdb_catalog.h"
#include "warehouse/duckdb/duckdb_session.h"

namespace pulk {

namespace {

class DuckdbWarehouse : public Warehouse {
 public:
  explicit DuckdbWarehouse(std::string path) : path_(std::move(path)) {}

  std::string kind() const override { return "duckdb"; }
  std::string location() const override { return path_; }
  NameRule name_rule() const override { return NameRule::ignore_case; }

  bool exists() const override { return std::filesystem::exists(path_); }
  void check_location() const override {
    namespace fs = std::filesystem;
    const fs::path folder = fs::absolute(path_).parent_path();
    if (!fs::is_directory(folder))
      throw Error(ErrorKind::usage, "the folder of the DuckDB file does not exist", path_, "mkdir -p " + folder.string());
  }

  std::optional<StoredType> stored_type(const std::string& type) const override { return stored_sql_type(type); }

  TypeChoice choose_type(const LogicalType& logical, const std::string& column, const std::string& mapped,
                         const std::string& deployed) const override {
    if (same_column(column, duckdb::kPartitionColumn)) {
      TypeChoice refused;
      refused.refusal = "the name is that of a column of pulk's own in staging tables";
      refused.hint = "give the column another name by columnNameMappings";
      return refused;
    }
    return choose_sql_type(logical, mapped, deployed, quote_double(column));
  }

  QualifiedName resolve(const WrittenName& database, const WrittenName& schema,
                        const WrittenName& table) const override {
    // A file is one database, whatever the workflow calls it: only schema and table tell tables apart.
    (void)database;
    QualifiedName name{"", schema.empty() ? "main" : fold(schema, name_rule()), fold(table, name_rule())};
    for (const std::string* part : {&name.schema, &name.table}) {
      if (part->find('\0') != std::string::npos)
        throw Error(ErrorKind::refused, "a table name cannot contain a NUL character", name.display());
    }
    if (iequals(name.schema, duckdb::kOwnSchema))
      throw Error(ErrorKind::usage, "the schema _pulk holds pulk's own tables", name.display(),
                  "name another target schema");
    return name;
  }

  std::string column_name(const WrittenName& name) const override { return fold(name, name_rule()); }
  bool same_column(const std::string& a, const std::string& b) const override { return iequals(a, b); }

  std::unique_ptr<Stage> stage(const std::string& run, const TablePlan& plan, const std::string& spool) override {
    const std::string key = duckdb::target_of(plan.target).key;
    return make_local_stage(spool + "/" + run + "/" + xxh128_hex(key).substr(0, 16));
  }

  std::unique_ptr<WarehouseSession> open(std::chrono::milliseconds wait, std::int64_t memory, bool create,
                                         CancelToken* cancel) override {
    return std::make_unique<DuckdbSession>(path_, wait, memory, create, cancel);
  }

 private:
  std::string path_;
};

}  // namespace

std::unique_ptr<Warehouse> make_duckdb_warehouse(const DuckdbConnection& connection) {
  return std::make_unique<DuckdbWarehouse>(connection.path);
}

}  // namespace pulk
