#include "source/postgres/session.h"

#include "identity/kerberos.h"

namespace pulk::postgres {
namespace {

pg::Settings login_of(const PostgresConnection& configured) {
  pg::Settings settings;
  settings.host = configured.host;
  settings.port = configured.port;
  settings.database = configured.database;
  settings.username = configured.username;
  settings.password = configured.password;
  settings.sslmode = configured.sslmode;
  settings.sslrootcert = configured.sslrootcert;
  settings.sslcert = configured.sslcert;
  settings.sslkey = configured.sslkey;
  settings.krbsrvname = configured.krbsrvname;
  settings.gssencmode = configured.gssencmode;
  if (configured.kerberos.given())
    settings.principal = configured.kerberos.principal.empty() ? "the owner of the tickets" : configured.kerberos.principal;
  settings.application_name = configured.application_name;
  settings.connect_timeout = configured.connect_timeout;
  return settings;
}

constexpr int oldest_version = 100000;

}  // namespace

// Others speak the protocol too; their catalogs and snapshots differ.
void check_product(pg::Statements& connection, const std::string& where) {
  const std::string version = connection.exec("SELECT pg_catalog.version()").text(0, 0);
  if (version.find("Redshift") != std::string::npos) {
    throw Error(ErrorKind::refused, "this is Amazon Redshift, which only resembles PostgreSQL", where,
                "configure it as the source kind redshift");
  }
  if (!version.starts_with("PostgreSQL ") && !version.starts_with("EnterpriseDB ")) {
    throw Error(ErrorKind::refused, "this is not PostgreSQL: " + version, where);
  }
  if (connection.server_version() < oldest_version) {
    throw Error(ErrorKind::refused, "PostgreSQL " + std::to_string(connection.server_version() / 10000) + "." + std::to_string(connection.server_version() / 100 % 100) + " is older than 10",
                where);
  }
}

Permits::Permit Permits::acquire(std::chrono::milliseconds wait, const CancelToken* cancel) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  std::unique_lock lock(mutex_);
  while (free_ <= 0) {
    if (cancel != nullptr) cancel->check();
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error(ErrorKind::retryable, "all connections that the source may have are in use", "",
                  "raise the limit of connections, or lower the number of parallel tasks");
    }
    freed_.wait_for(lock, std::chrono::milliseconds(100));
  }
  --free_;
  return Permit(*this);
}

void Permits::give_back() {
  {
    std::lock_guard lock(mutex_);
    ++free_;
  }
  freed_.notify_one();
}

std::string begin_statements(Isolation isolation, int lock_timeout, int server_version) {
  // SET LOCAL in the transaction, not at login: behind a pooler the session may be another one each transaction.
  // What is read as text must not depend on the server's settings, nor boundaries of keys, which are written as text.
  std::string sql = isolation == Isolation::snapshot ? "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                                                     : "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY;";
  sql +=
      "SET LOCAL client_encoding = 'UTF8'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';"
      "SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex';"
      "SET LOCAL lc_monetary = 'C'; SET LOCAL array_nulls = on;"
      "SET LOCAL standard_conforming_strings = on; SET LOCAL statement_timeout = 0;"
      "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = " +
      std::to_string(static_cast<long long>(lock_timeout) * 1000) + ";";
  if (server_version >= 140000) sql += "SET LOCAL idle_session_timeout = 0;";
  if (server_version >= 170000) sql += "SET LOCAL transaction_timeout = 0;";
  return sql;
}

SessionFactory::SessionFactory(std::string where, int max_connections, CancelToken* cancel)
    : where_(std::move(where)), max_connections_(max_connections), cancel_(cancel), permits_(max_connections) {
  if (max_connections < 2) {
    throw Error(ErrorKind::usage, "PostgreSQL needs at least 2 connections: one holds the snapshot, one reads", where_,
                "allow more connections to the source");
  }
}

void SessionFactory::check_once(pg::Statements& connection) {
  if (!product_known_) check_product(connection, where_);
  product_known_ = true;
}

LibpqSession::LibpqSession(const pg::Settings& settings, int lock_timeout, CancelToken* cancel)
    : lock_timeout_(lock_timeout), connection_(settings, [cancel] {
        if (cancel != nullptr) cancel->check();
      }) {
  if (cancel != nullptr) {
    on_cancel_.emplace(*cancel, [canceller = connection_.canceller()] { canceller->cancel(); });
  }
}

void LibpqSession::begin(Isolation isolation) {
  connection_.exec(begin_statements(isolation, lock_timeout_, connection_.server_version()));
}

LibpqSessions::LibpqSessions(const PostgresConnection& configured, int max_connections, CancelToken* cancel)
    : SessionFactory(configured.host + ":" + std::to_string(configured.port) + "/" + configured.database,
                     max_connections, cancel),
      settings_(login_of(configured)),
      password_(configured.password),
      tickets_(configured.kerberos.given() ? &kerberos_tickets(configured.kerberos) : nullptr),
      lock_timeout_(configured.lock_timeout) {}

std::unique_ptr<LibpqSession> LibpqSessions::open_libpq() {
  if (tickets_ != nullptr)
    tickets_->ensure([cancel = cancel_token()] {
      if (cancel != nullptr) cancel->check();
    });
  try {
    auto session = password_.log_in([&](const Secret& password) {
      pg::Settings settings = settings_;
      settings.password = password;
      return std::make_unique<LibpqSession>(settings, lock_timeout_, cancel_token());
    });
    check_once(session->connection());
    return session;
  } catch (const pg::SqlError& error) {
    throw pg::SqlError(error.kind(), error.message(), where(), error.hint(), error.sqlstate());
  }
}

}  // namespace pulk::postgres
