#include "orchestrator/prove/sqlserver/sqlserver_bench.h"

#include <cstdlib>
#include <utility>

#include "base/strings.h"
#include "source/dialect/sqlserver.h"

namespace pulk::prove {
namespace {

// Four that the bench keeps and those of a source.
constexpr int kConnections = 6;

}  // namespace

SqlServerBench::SqlServerBench(const SqlServerConnection& connection, std::string schema, std::string lacks,
                               CancelToken* cancel)
    : connection_(connection),
      schema_(std::move(schema)),
      lacks_(std::move(lacks)),
      cancel_(cancel),
      sessions_(std::make_shared<odbc::SqlServerSessions>(connection_, odbc::sqlserver_driver(connection_),
                                                          kConnections, cancel_)) {}

Connection& SqlServerBench::session(std::size_t which) {
  if (open_[which] == nullptr) open_[which] = sessions_->open();
  return *open_[which];
}

void SqlServerBench::settle(bool failed) {
  for (auto& one : open_) {
    if (one == nullptr) continue;
    if (failed || refusal(*one, "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION") ||
        refusal(*one, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"))
      one.reset();
  }
}

std::string SqlServerBench::table(const std::string& name, const std::string& columns) {
  if (schema_.empty()) throw NoTable(lacks_);
  const std::string full = sqlserver::quote(schema_) + "." + sqlserver::quote(name);
  if (const auto error = refusal(writer(), "CREATE TABLE " + full + " (" + columns + ")")) {
    if (error->kind() == ErrorKind::retryable) throw Error(*error);
    throw NoTable("the table of the probe could not be made: " + error->message());
  }
  return full;
}

Beside::Beside(Connection& connection, const std::string& sql)
    : answer_(std::async(std::launch::async, [&connection, sql] { return refusal(connection, sql); })) {}

Beside::~Beside() {
  if (answer_.valid()) answer_.wait();
}

bool Beside::ended(std::chrono::milliseconds within) { return answer_.wait_for(within) == std::future_status::ready; }

std::optional<Error> Beside::wait() { return answer_.get(); }

std::string value(Connection& connection, const std::string& sql) { return connection.value(sql).value_or("NULL"); }

std::string ids_in(Connection& connection, const std::string& table) {
  std::vector<std::string> ids;
  for (const auto& row : connection.query("SELECT id FROM " + table + " ORDER BY id"))
    ids.push_back(row[0].value_or("NULL"));
  return ids.empty() ? "nothing" : join(ids, ", ");
}

std::optional<Error> refusal(Connection& connection, const std::string& sql) {
  try {
    odbc::Statement statement(connection);
    statement.execute(sql);
    do {
      if (statement.columns() > 0) statement.rows();
    } while (statement.more_results());
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}

int number_of(const Error& error) {
  static constexpr std::string_view kMark = ", error ";
  const std::size_t at = error.message().rfind(kMark);
  return at == std::string::npos ? 0 : std::atoi(error.message().c_str() + at + kMark.size());
}

}  // namespace pulk::prove
