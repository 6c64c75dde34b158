// Statements on a PostgreSQL server, by whatever client they travel: the source's catalog, partitions and snapshots are
// written against this. Implementations: pg::Connection (libpq), odbc/psqlodbc_session (a driver).
//
// Threads: belongs to one thread at a time, but for hung_up().
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pg/error.h"

namespace pulk::pg {

class Result {
 public:
  explicit Result(PGresult* raw) : raw_(raw, PQclear) {}
  PGresult* raw() const { return raw_.get(); }
  int rows() const { return PQntuples(raw_.get()); }
  int columns() const { return PQnfields(raw_.get()); }
  bool is_null(int row, int column) const { return PQgetisnull(raw_.get(), row, column) != 0; }
  std::string_view view(int row, int column) const;
  std::string text(int row, int column) const { return std::string(view(row, column)); }
  std::int64_t integer(int row, int column) const;  // throws Error(internal) when it is none
  double real(int row, int column) const;
  bool boolean(int row, int column) const { return view(row, column) == "t"; }

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> raw_;
};

// A column of a statement's result, before it is run.
struct Field {
  std::string name;
  Oid type = 0;
  int typmod = -1;
};

class Statements {
 public:
  virtual ~Statements() = default;
  // `sql` may hold several statements; the last result is returned. Throws SqlError, as all of these.
  virtual Result exec(const std::string& sql) = 0;
  // One statement with text parameters $1, $2 ...
  virtual Result query(const std::string& sql, const std::vector<std::string>& parameters) = 0;
  // The columns that a SELECT would give. Takes the locks of its planning.
  virtual std::vector<Field> describe(const std::string& sql) = 0;

  // Is the session still there? Only between statements.
  virtual bool alive() = 0;
  // The other side has ended the connection. May be called while a statement runs in another thread.
  virtual bool hung_up() const = 0;

  virtual int server_version() const = 0;
};

}  // namespace pulk::pg
