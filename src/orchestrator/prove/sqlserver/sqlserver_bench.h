// What the probes of SQL Server work with: connections that are set up as those of a run, and tables in the scratch
// schema.
//
// Threads: one, but for statements that are Beside.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "config/sqlserver_connection.h"
#include "source/odbc/sqlserver_sessions.h"

namespace pulk::prove {

using odbc::Connection;

class SqlServerBench {
 public:
  // `schema`: "" when there is none; then `lacks` says why. `cancel` outlives the bench.
  SqlServerBench(const SqlServerConnection& connection, std::string schema, std::string lacks, CancelToken* cancel);

  // Two that read, one that writes, one that locks. Logged in when they are first asked for.
  Connection& reader() { return session(0); }
  Connection& other_reader() { return session(1); }
  Connection& writer() { return session(2); }
  Connection& locker() { return session(3); }
  // One more, for probes that end it.
  std::shared_ptr<Connection> login() { return sessions_->open(); }
  // Ends what a probe left open; `failed`: logs in anew for the next one.
  void settle(bool failed);

  // Makes an empty table anew; its full name, quoted. Throws NoTable.
  std::string table(const std::string& name, const std::string& columns);
  const std::string& schema() const { return schema_; }
  const SqlServerConnection& connection() const { return connection_; }
  CancelToken* cancel() const { return cancel_; }

 private:
  Connection& session(std::size_t which);

  const SqlServerConnection connection_;
  const std::string schema_, lacks_;
  CancelToken* const cancel_;
  const std::shared_ptr<odbc::SqlServerSessions> sessions_;
  std::shared_ptr<Connection> open_[4];
};

// The server or its version has no such type, or the login may not make tables: nothing was decided, and nothing is
// wrong.
class NoTable : public Error {
 public:
  explicit NoTable(const std::string& why) : Error(ErrorKind::refused, why) {}
};

// A statement that runs beside the others. The connection belongs to it until it has ended.
class Beside {
 public:
  Beside(Connection& connection, const std::string& sql);
  ~Beside();  // waits for the end
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
  bool ended(std::chrono::milliseconds within);
  // What the server said against it.
  std::optional<Error> wait();

 private:
  std::future<std::optional<Error>> answer_;
};

// The first cell of the first row.
std::string value(Connection& connection, const std::string& sql);
// The column id in order, "1, 2"; "nothing" when there are no rows.
std::string ids_in(Connection& connection, const std::string& table);
// What the server says against a statement; nothing when it was carried out.
std::optional<Error> refusal(Connection& connection, const std::string& sql);
// The server's number of an error; 0 when there is none.
int number_of(const Error& error);

}  // namespace pulk::prove
