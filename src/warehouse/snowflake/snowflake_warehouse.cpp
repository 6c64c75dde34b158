#include "warehouse/snowflake/snowflake_warehouse.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "stage/s3/s3_stage.h"
#include "warehouse/snowflake/snowflake_files.h"
#include "warehouse/snowflake/snowflake_names.h"
#include "warehouse/snowflake/snowflake_session.h"
#include "warehouse/snowflake/snowflake_type.h"

namespace pulk {
namespace {

class SnowflakeWarehouse : public Warehouse {
 public:
  SnowflakeWarehouse(SnowflakeConnection connection, CancelToken* cancel)
      : connection_(std::move(connection)), files_(connection_, cancel) {}

  std::string kind() const override { return "snowflake"; }
  std::string location() const override {
    std::string place = "account " + connection_.account;
    if (!connection_.host.empty()) place += " at " + connection_.host;
    return place;
  }
  NameRule name_rule() const override { return NameRule::upper; }

  bool exists() const override { return true; }
  void check_location() const override { files_.check(); }
  // The driver may hold a whole file in memory for each upload, and a copy of it while it encrypts.
  std::int64_t largest_file() const override { return files_.in_bucket() ? kS3LargestFile : 32LL << 20; }
  std::int64_t first_file() const override { return 8LL << 20; }
  std::int64_t open_file_memory() const override { return files_.in_bucket() ? kS3FileMemory : 0; }
  bool keeps_failed_files() const override { return connection_.clean_up != "always"; }
  std::vector<StageLook> stage_looks() override { return files_.looks(); }
  int load_sessions() const override { return connection_.load_parallel; }
  std::chrono::milliseconds patience() const override { return std::chrono::minutes(10); }

  TypeChoice choose_type(const LogicalType& logical, const std::string& column, const std::string& mapped,
                         const std::string& deployed) const override {
    TypeChoice refused;
    if (column == snowflake::kPartitionColumn) {
      refused.refusal = "the name is that of a column of pulk's own in staging tables";
      refused.hint = "give the column another name by columnNameMappings";
      return refused;
    }
    return snowflake::choose_type(logical, column, mapped, deployed);
  }

  std::optional<StoredType> stored_type(const std::string& type) const override {
    const auto parsed = snowflake::parse_type(type);
    return parsed ? std::optional(snowflake::stored_type(*parsed)) : std::nullopt;
  }

  QualifiedName resolve(const WrittenName& database, const WrittenName& schema,
                        const WrittenName& table) const override {
    const auto or_default = [](const WrittenName& written, const std::string& configured) {
      return snowflake::fold_name(written.empty() && !configured.empty() ? parse_written_name(configured) : written);
    };
    QualifiedName name{or_default(database, connection_.database), or_default(schema, connection_.schema),
                       snowflake::fold_name(table)};
    if (name.schema.empty()) name.schema = "PUBLIC";
    if (name.database.empty())
      throw Error(ErrorKind::usage, "the target has no database", name.display(),
                  "write target.databaseName in the workflow, or database in the connection");
    for (const std::string* part : {&name.database, &name.schema, &name.table}) {
      if (part->find('\0') != std::string::npos)
        throw Error(ErrorKind::refused, "a name cannot contain a NUL character", name.display());
      if (part->size() > 255)
        throw Error(ErrorKind::refused, "a name in Snowflake has at most 255 characters", name.display());
    }
    if (name.schema == snowflake::kOwnSchema)
      throw Error(ErrorKind::usage, "the schema _PULK holds pulk's own tables", name.display(),
                  "name another target schema");
    return name;
  }

  std::string column_name(const WrittenName& name) const override { return snowflake::fold_name(name); }
  bool same_column(const std::string& a, const std::string& b) const override { return a == b; }

  std::unique_ptr<Stage> stage(const std::string& run, const TablePlan& plan, const std::string& spool) override {
    const std::string tag =
        nlohmann::json{{"application", "pulk"}, {"run", run}, {"table", plan.target.display()}}.dump(
            -1, ' ', false, nlohmann::json::error_handler_t::replace);
    return files_.stage(run, plan.target, spool, tag);
  }

  std::unique_ptr<WarehouseSession> open(std::chrono::milliseconds, std::int64_t, bool, CancelToken* cancel) override {
    return std::make_unique<SnowflakeSession>(connection_, files_, live_, cancel);
  }

 private:
  const SnowflakeConnection connection_;
  mutable SnowflakeFiles files_;  // asks Snowflake for the user's stage when it is needed first
  LiveSessions live_;
};

}  // namespace

std::unique_ptr<Warehouse> make_snowflake_warehouse(SnowflakeConnection connection, CancelToken* cancel) {
  return std::make_unique<SnowflakeWarehouse>(std::move(connection), cancel);
}

}  // namespace pulk
