#include "orchestrator/doctor_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "base/strings.h"
#include "orchestrator/doctor_choice.h"
#include "orchestrator/doctor_kerberos.h"
#include "orchestrator/doctor_probes.h"
#include "orchestrator/doctor_sqlserver.h"
#include "orchestrator/doctor_token.h"
#include "source/odbc/odbc_source.h"
#include "source/odbc/sqlserver_sessions.h"
#include "source/odbc/sqlserver_source.h"
#include "source/postgres/postgres_source.h"

namespace pulk {
namespace {

namespace fs = std::filesystem;

// What a doctor needs of the source at once: a holder, its helper, one that reads.
constexpr int kSourceConnections = 3;

std::string service_of(const PostgresConnection& pg) {
  if (pg.host.empty() || pg.host.starts_with('/') || pg.host.find(',') != std::string::npos) return "";
  return (pg.krbsrvname.empty() ? "postgres" : pg.krbsrvname) + "@" + pg.host;
}

// Links often have no version in their name, and the files do.
std::string with_its_target(const std::string& path) {
  std::error_code ignored;
  const fs::path real = fs::canonical(path, ignored).filename();
  return ignored || real == fs::path(path).filename() ? path : path + " (" + real.string() + ")";
}

// What was found.
std::string look_for_driver(const std::string& name, const std::string& dsn) {
  if (!dsn.empty()) {
    const std::vector<std::string> known = probe::odbc_data_sources();
    if (std::any_of(known.begin(), known.end(), [&](const std::string& n) { return iequals(n, dsn); }))
      return "data source " + dsn;
    throw Error(ErrorKind::usage, "there is no data source of this name", dsn,
                known.empty() ? "no data source is registered in odbc.ini" : "registered are: " + join(known, ", "));
  }
  if (name.find('/') != std::string::npos) {
    probe::load_library(name);
    return with_its_target(name);
  }
  std::vector<std::string> names;
  for (const probe::OdbcDriver& driver : probe::odbc_drivers()) {
    names.push_back(driver.name);
    if (!iequals(driver.name, name)) continue;
    // A plain file name is searched in folders that only the driver manager knows: the login will tell.
    if (driver.library.find('/') != std::string::npos) probe::load_library(driver.library);
    return driver.name + (driver.library.empty() ? "" : ": " + with_its_target(driver.library));
  }
  const auto near = did_you_mean(name, names);
  throw Error(
      ErrorKind::usage, "no driver of this name is registered", name,
      (near ? "did you mean " + *near + "? " : "") +
          (names.empty() ? "odbcinst.ini names no driver: install one"
                         : "odbcinst.ini names: " + join(names, ", ") + "; or give the path of the driver's library"));
}

class SourceDoctor {
 public:
  SourceDoctor(DoctorChecks& checks, const SourceConnection& connection)
      : checks_(checks),
        connection_(connection),
        pg_(std::get_if<PostgresConnection>(&connection)),
        odbc_(std::get_if<OdbcConnection>(&connection)),
        server_(std::get_if<SqlServerConnection>(&connection)),
        host_(std::visit([](const auto& c) { return c.host; }, connection)),
        port_(server_ != nullptr ? port_of(*server_) : std::visit([](const auto& c) { return c.port; }, connection)),
        timeout_(std::visit([](const auto& c) { return c.connect_timeout; }, connection)) {}

  std::unique_ptr<Source> run() {
    check_driver();
    check_address();
    check_tls();
    if (pg_ != nullptr && pg_->kerberos.given()) check_kerberos(pg_->kerberos, service_of(*pg_));
    if (server_ != nullptr && server_->kerberos.given())
      check_kerberos(server_->kerberos, odbc::sqlserver_spn(*server_));
    check_token();
    return check_login();
  }

 private:
  void check_driver();
  void check_address();
  void check_tls();
  void check_kerberos(const KerberosIdentity& identity, const std::string& service);
  void check_token();
  std::unique_ptr<Source> check_login();
  // The first reason is kept.
  void blocked_by(const char* why) {
    if (blocked_.empty()) blocked_ = why;
  }

  DoctorChecks& checks_;
  const SourceConnection& connection_;
  const PostgresConnection* const pg_;
  const OdbcConnection* const odbc_;
  const SqlServerConnection* const server_;
  const std::string host_;
  const int port_;
  const std::chrono::seconds timeout_;
  bool reachable_ = false;  // by an address and a port that are known
  std::string blocked_;     // why there can be no login
};

void SourceDoctor::check_driver() {
  if (pg_ != nullptr) return;
  const bool sound = checks_.check("odbc driver", "install the driver", [&] {
    if (odbc_ != nullptr) return passed(look_for_driver(odbc_->driver_name, odbc_->dsn));
    return look_at_sqlserver_driver(*server_, look_for_driver(server_->odbc_driver, ""));
  });
  if (!sound) blocked_by("the ODBC driver cannot be used");
}

void SourceDoctor::check_address() {
  const auto skip = [&](const std::string& why) {
    for (const char* name : {"source name", "source port"}) checks_.skip(name, why);
  };
  if (host_.empty()) return skip("no host is configured: a file, or the data source names it");
  if (host_.starts_with('/')) return skip(host_ + " is a folder with the server's socket");
  if (host_.find(',') != std::string::npos) return skip("several hosts: the login tries them in turn");
  std::vector<probe::Address> addresses;
  if (!checks_.check("source name", "check host", [&] {
        addresses = probe::resolve(host_, timeout_);
        std::vector<std::string> texts;
        for (const probe::Address& address : addresses) texts.push_back(address.text);
        return passed(host_ + " is " + join(texts, ", "));
      })) {
    checks_.skip("source port", "the name does not resolve");
    return blocked_by("the source cannot be reached");
  }
  if (port_ == 0) return checks_.skip("source port", "no port is configured: the driver chooses it");
  reachable_ = checks_.check("source port", "check host and port", [&] {
    try {
      return passed(
          fmt::format("{}:{} answers at {}", host_, port_, probe::connect_to(std::move(addresses), port_, timeout_)));
    } catch (const Error& error) {
      throw error.with_subject(host_);
    }
  });
  if (!reachable_) blocked_by("the source cannot be reached");
}

void SourceDoctor::check_tls() {
  if (server_ == nullptr) return;
  if (!reachable_)
    checks_.skip("source tls", blocked_.empty() ? "the port is not known here" : "the source cannot be reached");
  else if (!checks_.check("source tls", "check the server's certificate", [&] { return look_at_tls(*server_); }))
    blocked_by("the server's certificate is not taken");
}

void SourceDoctor::check_kerberos(const KerberosIdentity& identity, const std::string& service) {
  bool sound = true;
  for (const KerberosCheck& one : kerberos_checks(identity, timeout_, [this] { checks_.cancel().check(); })) {
    if (sound)
      sound = checks_.check(one.name, one.fix, one.look);
    else
      checks_.skip(one.name, "the check before it failed");
  }
  if (!sound) blocked_by("there is no ticket of Kerberos");
  if (!sound || service.empty()) {
    checks_.skip("kerberos service",
                 sound ? "what the service is called is not known here" : "the check before it failed");
    return;
  }
  // libpq may make another name of the host: its login is tried all the same.
  if (!checks_.check("kerberos service", "see that the service is registered",
                     [&] { return look_at_service(identity, service); }) &&
      server_ != nullptr)
    blocked_by("there is no ticket for the service");
}

void SourceDoctor::check_token() {
  if (server_ == nullptr || server_->auth != SqlServerConnection::Auth::entra) return;
  if (!checks_.check("source token", "check tenant, client and secret",
                     [&] { return look_at_token(server_->entra, "https://database."); }))
    blocked_by("there is no token of Entra ID");
}

std::unique_ptr<Source> SourceDoctor::check_login() {
  if (!blocked_.empty()) {
    for (const char* name : {"source login", "exactly once"}) checks_.skip(name, blocked_);
    return nullptr;
  }
  std::unique_ptr<Source> source;
  SourceFacts facts;
  if (!checks_.check("source login", "check username, password, database and the server's rules for logins", [&] {
        CancelToken* cancel = &checks_.cancel();
        auto made = pg_ != nullptr     ? make_postgres_source(*pg_, kSourceConnections, cancel)
                    : odbc_ != nullptr ? make_odbc_source(*odbc_, kSourceConnections, cancel)
                                       : make_sqlserver_source(*server_, kSourceConnections, cancel);
        facts = made->facts();
        source = std::move(made);
        if (facts.notes.empty()) return passed(facts.product);
        return warned(facts.product + ": " + join(facts.notes, "; "),
                      "read what this means for a long run before it starts");
      })) {
    checks_.skip("exactly once", "the login failed");
    return nullptr;
  }
  checks_.check("exactly once", "", [&] {
    if (facts.level != ConsistencyLevel::snapshot)
      return warned(fmt::format("{}: {}", to_string(facts.level), facts.level_reason),
                    "let nothing write to these tables until the run is done");
    if (facts.level_reason.empty()) return passed("snapshot: the target will hold the rows of one moment");
    if (server_ != nullptr && server_->snapshot_lock)
      return passed(
          "snapshot: the target will hold the rows of one moment; a lock on each table keeps writers out while the "
          "lanes begin");
    return passed("snapshot with --parallel 1, else per-partition: " + facts.level_reason);
  });
  return source;
}

}  // namespace

std::unique_ptr<Source> check_source(DoctorChecks& checks, const ConnectionsFile* connections,
                                     const std::string& wanted) {
  const auto skip_all = [&](const std::vector<const char*>& names, const std::string& why) {
    for (const char* name : names) checks.skip(name, why);
    return nullptr;
  };
  if (connections == nullptr)
    return skip_all({"source connection", "source name", "source port", "source login", "exactly once"},
                    "the connections file cannot be used");
  const SourceConnection* connection = nullptr;
  if (!checks.check("source connection", "name a source of the connections file with --source", [&] {
        const auto& [name, found] =
            choose_connection(connections->sources, connections->unsupported_sources, wanted, "source");
        connection = &found;
        if (const auto* pg = std::get_if<PostgresConnection>(&found))
          return passed(
              fmt::format("{}: {}:{}, database {}, login {}", name, pg->host, pg->port, pg->database, pg->username));
        if (const auto* server = std::get_if<SqlServerConnection>(&found))
          return passed(fmt::format("{}: {}, database {}, by {}", name, odbc::sqlserver_address(*server),
                                    server->database, server->odbc_driver));
        const auto& odbc = std::get<OdbcConnection>(found);
        return passed(fmt::format("{}: {}{}", name, odbc.dsn.empty() ? odbc.driver_name : "data source " + odbc.dsn,
                                  odbc.database.empty() ? "" : ", database " + odbc.database));
      }))
    return skip_all({"source name", "source port", "source login", "exactly once"}, "there is no source connection");
  return SourceDoctor(checks, *connection).run();
}

}  // namespace pulk
