// What a database server with an ODBC driver is asked, and how: names, catalog, one moment, the way of each column. One
// implementation per server; connections, lanes, partitions and batches are the same for all. Implementations: mariadb,
// and generic for drivers that pulk does not know.
//
// Threads: a dialect has no state that changes; its functions use the connection that they are given.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/odbc/handle.h"
#include "source/source.h"

namespace pulk::odbc {

struct ServerObject {
  SourceObject object;
  ObjectKind kind = ObjectKind::table;
  std::vector<SourceColumn> columns;
  std::vector<std::string> primary_key;
  std::int64_t rows_estimate = -1;
  std::int64_t bytes_estimate = -1;
  bool transactional = true;  // what is read inside a transaction is of one moment
  std::vector<std::string> notes;
};

// The form in which a cell crosses the driver.
enum class NativeForm {
  integer,  // SQL_C_SBIGINT
  boolean,  // SQL_C_SBIGINT, 0 or 1
  float32,  // SQL_C_DOUBLE that is a float
  float64,  // SQL_C_DOUBLE
  decimal,  // text
  text,     // SQL_C_CHAR in UTF-8
  bytes,    // SQL_C_BINARY
  date,     // text: YYYY-MM-DD
  time,
  timestamp,
  uuid,     // text
  single,   // SQL_C_FLOAT
  utf16,    // SQL_C_WCHAR
  date_struct,       // SQL_C_TYPE_DATE
  timestamp_struct,  // SQL_C_TYPE_TIMESTAMP
  offset_text,       // text: a moment with its offset
  // Structures that Microsoft's driver hands over as SQL_C_BINARY (msodbcsql.h).
  time2_struct,    // SQL_SS_TIME2_STRUCT
  offset_struct,   // SQL_SS_TIMESTAMPOFFSET_STRUCT
  numeric_struct,  // SQL_NUMERIC_STRUCT
  guid_struct,     // SQLGUID
};

struct NativeColumn {
  std::string expression;    // in the SELECT
  NativeForm form = NativeForm::text;
  std::int64_t longest = 0;  // bytes that a value of the declared type takes at most; 0: no useful limit
};

class ServerDialect {
 public:
  virtual ~ServerDialect() = default;

  virtual NameRule name_rule() const = 0;
  virtual std::string quote(std::string_view name) const = 0;
  // Settings of a session that values and errors hang on; run once after connecting.
  virtual std::vector<std::string> session_settings() const = 0;

  virtual SourceFacts facts(Connection& connection) const = 0;
  virtual std::vector<QualifiedName> tables(Connection& connection, const WrittenName& schema) const = 0;
  // Throws Error(usage) when there is no such table or view, or the query is not a SELECT.
  virtual ServerObject find(Connection& connection, const TableRequest& request) const = 0;

  // What stands after FROM: the table, or the query in brackets.
  virtual std::string from_item(const SourceObject& object) const = 0;
  // What stands behind a SELECT that gives at most so many rows; "" when the reader has to stop by itself.
  virtual std::string limit(std::int64_t rows) const = 0;
  // What stands behind ORDER BY … of a SELECT that gives the one row that comes after `offset` others.
  virtual std::string one_row_at(std::int64_t offset) const { return " LIMIT 1 OFFSET " + std::to_string(offset); }
  // A statement behind a SELECT that gives the number of its rows, and that of open transactions, with what parts them; ""
  // when there is none.
  virtual std::string count_behind() const { return ""; }
  virtual NativeColumn read_as(const ColumnPlan& column) const = 0;

  // Whether ranges of this column can be told exactly by literals, and the SQL that gives the literal of a value.
  // Why no table is cut into ranges, "" when they are.
  virtual std::string why_no_ranges() const { return ""; }
  virtual bool can_be_key(const SourceColumn& column) const = 0;
  virtual std::string literal_of(const SourceColumn& column, const std::string& quoted) const = 0;
  // The literal of an integer column's value.
  virtual std::string integer_literal(std::int64_t value) const { return std::to_string(value); }
  // SQL that gives a value as people read it in plans.
  virtual std::string shown_of(const SourceColumn&, const std::string& quoted) const {
    return "cast(" + quoted + " AS char)";
  }
  // What the driver should be given to read at once, because it holds it in memory; 0: any size.
  virtual std::int64_t largest_partition_bytes() const = 0;

  // Begins a transaction that reads one moment, where the server has such. `tables` is what will be read.
  virtual void begin(Connection& connection, const std::vector<ServerObject>& tables) const = 0;
  // Whether what a begun transaction sees is of one moment.
  virtual bool sees_one_moment(Connection&) const { return true; }
  // Throws Error(retryable), and the connection is lost, when the transaction that was begun has ended by itself.
  virtual void check_transaction(Connection&) const {}
  // A text that is equal for two transactions only when they see the same content; empty when the server tells none.
  virtual std::optional<std::string> moment(Connection& connection) const = 0;
  // Why several connections may see several moments, for the plan.
  virtual std::string why_not_one_moment() const = 0;
  // Keeps writers out of these tables, or of all, until unlock_writers().
  virtual void lock_writers(Connection& connection, const std::vector<ServerObject>& tables) const = 0;
  virtual void unlock_writers(Connection& connection) const = 0;
};

std::unique_ptr<ServerDialect> make_mariadb_dialect(std::string database);
// Asks the driver how names are written.
std::unique_ptr<ServerDialect> make_generic_dialect(Connection& connection);

}  // namespace pulk::odbc
