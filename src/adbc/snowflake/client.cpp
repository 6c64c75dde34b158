#include "adbc/snowflake/client.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "adbc/snowflake/error.h"
#include "adbc/snowflake/library.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/strings.h"
#include "identity/entra.h"

namespace pulk::snowflake {
namespace {

// A session's token lives for an hour, its master token for four; a login may also use a token that ends sooner.
// PULK_SESSION_SECONDS is for tests, which do not wait so long.
std::chrono::duration<double> oldest() {
  const std::string seconds = environment("PULK_SESSION_SECONDS");
  return seconds.empty() ? std::chrono::minutes(45) : std::chrono::duration<double>(std::atof(seconds.c_str()));
}

// The token as it is now: who renews it writes the file anew.
std::string token_of(const SnowflakeConnection& connection) {
  if (connection.entra.given()) return entra_tokens(connection.entra).token().reveal();
  if (connection.token_file.empty()) return connection.token.reveal();
  std::ifstream file(connection.token_file, std::ios::binary);
  if (!file) throw Error(ErrorKind::retryable, "the file with the token cannot be read", connection.token_file);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return std::string(trim(text));
}

std::map<std::string, std::string> options_of(const SnowflakeConnection& connection) {
  const std::string key = "adbc.snowflake.sql.", client = key + "client_option.";
  std::map<std::string, std::string> options{
      {key + "account", connection.account},
      {client + "login_timeout", std::to_string(connection.login_timeout) + "s"},
      {client + "app_name", "pulk"},
      {client + "disable_telemetry", "true"},
      // By default what does not fit 64 bits of nanoseconds, years before 1678 and after 2261, becomes another moment.
      {client + "max_timestamp_precision", "nanoseconds_error_on_overflow"},
      // Not keep_session_alive: with it a session that is closed lives on, with the locks of its transaction.
  };
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) options[name] = value;
  };
  add("username", connection.username);
  add(key + "role", connection.role);
  add(key + "warehouse", connection.warehouse);
  // Not database and schema: the login would fail where they are still to be made, and every name is written in full.
  add(key + "uri.host", connection.host);
  add(key + "uri.protocol", connection.protocol);
  if (connection.port > 0) add(key + "uri.port", std::to_string(connection.port));
  if (connection.request_timeout > 0) add(client + "request_timeout", std::to_string(connection.request_timeout) + "s");
  switch (connection.login) {
    case SnowflakeLogin::password:
      add("password", connection.password.reveal());
      break;
    case SnowflakeLogin::key_pair:
      add(key + "auth_type", "auth_jwt");
      add(client + "jwt_private_key_pkcs8_value", connection.private_key.reveal());
      add(client + "jwt_private_key_pkcs8_password", connection.private_key_passphrase.reveal());
      break;
    case SnowflakeLogin::oauth:
      add(key + "auth_type", "auth_oauth");
      add(client + "auth_token", token_of(connection));
      break;
    case SnowflakeLogin::access_token:
      add(key + "auth_type", "auth_pat");
      add(client + "auth_token", token_of(connection));
      break;
    case SnowflakeLogin::workload_identity:
      add(key + "auth_type", "auth_wif");
      add(client + "identity_provider", connection.workload_provider);
      add(client + "auth_token", token_of(connection));
      break;
    case SnowflakeLogin::browser:
      add(key + "auth_type", "auth_ext_browser");
      break;
  }
  return options;
}

}  // namespace

std::string literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + "'";
}

std::string stage_reference(const std::string& place) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$.@~%/-\"";
  return place.find_first_not_of(kPlain) == std::string::npos ? place : literal(place);
}

template <typename Work>
auto Client::guarded(const Work& work) {
  if (cancel_ != nullptr) cancel_->check();
  try {
    return work();
  } catch (const Error& error) {
    if (cancel_ != nullptr) cancel_->check();
    throw snowflake_error(error, "");
  }
}

Client::Client(const SnowflakeConnection& connection, const std::string& tag, CancelToken* cancel)
    : cancel_(cancel), where_("Snowflake account " + connection.account) {
  if (cancel_ != nullptr) cancel_->check();
  const std::string library = driver_library();
  try {
    database_ = std::make_unique<adbc::Database>(library, "", options_of(connection));
    connection_ = std::make_unique<adbc::Connection>(*database_);
    // Results that nobody has read yet are memory that nobody counts: by default ten downloads and 200 batches. The
    // queue is one of each download, which ends when the last batch is in it: with a longer one a download never waits,
    // and the whole result comes as fast as it can.
    connection_->set_statement_option("adbc.snowflake.rpc.prefetch_concurrency", "2");
    connection_->set_statement_option("adbc.rpc.result_queue_size", "1");
  } catch (const Error& error) {
    throw snowflake_error(error, where_);
  }
  if (cancel_ != nullptr)
    on_cancel_ = std::make_unique<CancelToken::Registration>(*cancel_, [this] { connection_->cancel(); });
  this->tag(tag);
  // AUTOCOMMIT off: were the transaction ended from outside, what follows would wait for a COMMIT that never comes
  // instead of standing for itself.
  execute(
      "ALTER SESSION SET AUTOCOMMIT = FALSE, ABORT_DETACHED_QUERY = TRUE, TRANSACTION_ABORT_ON_ERROR = TRUE, "
      "TIMEZONE = 'UTC', BINARY_INPUT_FORMAT = 'HEX', BINARY_OUTPUT_FORMAT = 'HEX', LOCK_TIMEOUT = " +
      std::to_string(connection.lock_timeout));
}

Client::~Client() {
  on_cancel_.reset();
  connection_.reset();
  database_.reset();
}

std::int64_t Client::execute(const std::string& sql) {
  return guarded([&] { return connection_->execute(sql); });
}

std::vector<std::vector<std::string>> Client::query(const std::string& sql) {
  return guarded([&] { return connection_->query(sql).texts(); });
}

std::vector<std::map<std::string, std::string>> Client::named_rows(const std::string& sql) {
  return guarded([&] {
    const adbc::Rows rows = connection_->query(sql);
    std::vector<std::map<std::string, std::string>> named(rows.size());
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (std::size_t c = 0; c < rows.width(); ++c) named[r][rows.names().at(c)] = rows.text(r, c);
    return named;
  });
}

std::shared_ptr<arrow::Schema> Client::describe(const std::string& sql) {
  return guarded([&] { return connection_->describe(sql); });
}

std::shared_ptr<arrow::RecordBatchReader> Client::stream(const std::string& sql) {
  return guarded([&] { return connection_->stream(sql); });
}

void Client::tag(const std::string& json) {
  connection_->set_statement_option("adbc.snowflake.statement.query_tag", json);
}

bool Client::is_old() const { return std::chrono::steady_clock::now() - since_ > oldest(); }

}  // namespace pulk::snowflake
