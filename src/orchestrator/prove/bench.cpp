#include "orchestrator/prove/bench.h"

#include <arrow/api.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <utility>

#include "adbc/snowflake/error.h"
#include "base/strings.h"
#include "catalog/identifier.h"
#include "engine/parquet_roller.h"
#include "stage/snowflake/snowflake_stage.h"
#include "warehouse/snowflake/copy_statement.h"
#include "warehouse/snowflake/snowflake_names.h"

namespace pulk::prove {
namespace {

constexpr const char* kTag = R"({"application":"pulk","command":"doctor --prove"})";

// Long enough for a statement of another session to end, short enough for a person who waits.
SnowflakeConnection with_short_waits(SnowflakeConnection connection) {
  connection.lock_timeout = 20;
  return connection;
}

void check(const arrow::Status& status) {
  if (!status.ok()) throw Error(ErrorKind::internal, "a file for a probe cannot be made: " + status.ToString());
}

}  // namespace

Bench::Bench(const SnowflakeConnection& connection, std::string schema, std::string spool, CancelToken* cancel)
    : connection_(with_short_waits(connection)), schema_(std::move(schema)), spool_(std::move(spool)), cancel_(cancel) {
  worker().execute("CREATE STAGE " + name("FILES") + " ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')");
  stage_ = stage_at("@" + name("FILES") + "/");
}

Bench::~Bench() = default;

std::unique_ptr<Client> Bench::login(CancelToken* cancel) {
  return std::make_unique<Client>(connection_, kTag, cancel != nullptr ? cancel : cancel_);
}

Client& Bench::session(std::size_t which) {
  if (sessions_[which] == nullptr) sessions_[which] = login();
  return *sessions_[which];
}

void Bench::settle(bool failed) {
  for (auto& session : sessions_) {
    if (session == nullptr) continue;
    try {
      if (failed)
        session.reset();
      else
        session->execute("ROLLBACK");
    } catch (const Error&) {
      session.reset();
    }
  }
}

std::string Bench::name(const std::string& object) const { return schema_ + "." + quote_double(object); }

std::string Bench::table(const std::string& name, const std::string& columns) {
  const std::string full = this->name(name);
  watcher().execute("CREATE OR REPLACE TRANSIENT TABLE " + full + " (" + columns + ") DATA_RETENTION_TIME_IN_DAYS = 0");
  return full;
}

std::string Bench::id_table(const std::string& name) {
  return table(name, "ID NUMBER(19,0), " + quote_double(snowflake::kPartitionColumn) + " NUMBER(10,0)");
}

std::string Bench::mark_table(const std::string& name, const std::vector<std::string>& partitions) {
  const std::string full = table(name, "\"partition\" VARCHAR NOT NULL, fence BIGINT NOT NULL, state VARCHAR NOT NULL");
  std::vector<std::string> rows;
  for (const std::string& partition : partitions)
    rows.push_back("(" + snowflake::literal(partition) + ", 1, 'pending')");
  watcher().execute("INSERT INTO " + full + " VALUES " + join(rows, ", "));
  watcher().execute("COMMIT");
  return full;
}

std::unique_ptr<Stage> Bench::stage_at(const std::string& place) {
  return make_snowflake_stage(connection_, place, spool_, kTag, false, cancel_);
}

std::vector<StagedFile> Bench::put(Stage& stage, const std::string& prefix,
                                   const std::shared_ptr<arrow::RecordBatch>& batch) {
  ParquetRoller roller(stage, prefix, batch->schema(), {}, arrow::default_memory_pool());
  roller.write(batch, arrow::util::TotalBufferSize(*batch));
  return roller.finish(true);
}

std::string Bench::file_of_ids(const std::vector<std::int64_t>& ids) {
  std::vector<std::string> digits;
  for (const std::int64_t id : ids) digits.push_back(std::to_string(id));
  std::string& file = files_[join(digits, "-")];
  if (!file.empty()) return file;
  arrow::Int64Builder builder;
  check(builder.AppendValues(ids));
  auto array = builder.Finish();
  check(array.status());
  const auto schema = arrow::schema({arrow::field("ID", arrow::int64())});
  file = put(*stage_, "ids-" + join(digits, "-"), arrow::RecordBatch::Make(schema, (*array)->length(), {*array}))
             .at(0)
             .name;
  return file;
}

std::string Bench::copy_of_ids(const std::string& table, const std::vector<std::string>& files, bool force) const {
  std::string sql = snowflake::copy_statement(table, {"ID"}, {"$1:\"ID\"::NUMBER(19,0)"}, 1, stage_->location(), files);
  if (!force) sql.replace(sql.find("FORCE = TRUE"), 12, "FORCE = FALSE");
  return sql;
}

void begin(Client& client, const std::string& name) {
  client.execute("ROLLBACK");
  client.execute("BEGIN TRANSACTION NAME " + name);
}

std::string ids_in(Client& client, const std::string& table) {
  std::vector<std::string> ids;
  for (const auto& row : client.query("SELECT ID::VARCHAR FROM " + table + " ORDER BY ID")) ids.push_back(row.at(0));
  return ids.empty() ? "nothing" : join(ids, ", ");
}

std::string value(Client& client, const std::string& sql) {
  const auto rows = client.query(sql);
  return rows.empty() || rows[0].empty() ? "" : rows[0][0];
}

std::optional<Error> refusal(Client& client, const std::string& sql) {
  try {
    // Not execute(): a COPY that is carried out answers with rows.
    client.query(sql);
    return std::nullopt;
  } catch (const Error& error) {
    if (snowflake::error_code(error.message()) == 0) throw;
    return error;
  }
}

std::string brief(const std::optional<Error>& error) {
  if (!error) return "nothing";
  const std::string& said = error->message();
  return said.size() <= 160 ? said : said.substr(0, 157) + "...";
}

std::string set_loaded(const std::string& marks, const std::string& partition) {
  return "UPDATE " + marks + " SET state = 'loaded' WHERE \"partition\" = " + snowflake::literal(partition) +
         " AND fence = 1 AND state = 'pending'";
}

bool waits(Bench& bench, Pending& statement) {
  for (int i = 0; i < 25; ++i) {
    if (statement.ended(std::chrono::milliseconds(i < 5 ? 40 : 200))) return false;
    for (const auto& row : bench.watcher().named_rows("SHOW LOCKS"))
      if (row.at("status") == "WAITING" && row.at("resource").find("_PULK_PROVE_") != std::string::npos) return true;
  }
  return !statement.ended();
}

}  // namespace pulk::prove
