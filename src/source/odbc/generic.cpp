// Any database behind an ODBC driver that pulk does not know: what ODBC itself says about tables and columns, and the C
// types that carry a value whole. ODBC has no word for one moment of several statements, so the level is per-partition,
// and each table is one partition.

#include "source/dialect/generic.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/odbc/catalog_rows.h"
#include "source/odbc/server_dialect.h"

namespace pulk::odbc {
namespace {

// ODBC takes names as pointers to what it does not write to.
SQLCHAR* bytes_of(const std::string& text) {
  return text.empty() ? nullptr : reinterpret_cast<SQLCHAR*>(const_cast<char*>(text.c_str()));  // NOLINT
}

std::string text_of(const Row& row, std::size_t column) { return column < row.size() ? row[column].value_or("") : ""; }

struct Listed {
  std::string catalog, schema, table, type;
  QualifiedName name() const { return {catalog, schema, table}; }
};

class GenericDialect : public ServerDialect {
 public:
  GenericDialect(std::string mark, std::string catalog_separator)
      : mark_(std::move(mark)), separator_(std::move(catalog_separator)) {}

  NameRule name_rule() const override { return NameRule::ignore_case; }
  std::string quote(std::string_view name) const override { return generic::quote(name, mark_); }
  std::vector<std::string> session_settings() const override { return {}; }

  SourceFacts facts(Connection& connection) const override;
  std::vector<QualifiedName> tables(Connection& connection, const WrittenName& schema) const override;
  ServerObject find(Connection& connection, const TableRequest& request) const override {
    return request.query.empty() ? find_table(connection, request) : find_query(connection, request);
  }

  std::string from_item(const SourceObject& object) const override;
  NativeColumn read_as(const ColumnPlan& column) const override;

  std::string why_no_ranges() const override {
    return "pulk does not know this ODBC driver, and reads each of its tables in one piece";
  }
  bool can_be_key(const SourceColumn&) const override { return false; }
  std::string literal_of(const SourceColumn&, const std::string&) const override { return ""; }
  std::int64_t largest_partition_bytes() const override { return 0; }
  // How many rows a statement gives has no common way of saying; the reader stops by itself.
  std::string limit(std::int64_t) const override { return ""; }

  void begin(Connection&, const std::vector<ServerObject>&) const override {}
  std::optional<std::string> moment(Connection&) const override { return std::nullopt; }
  std::string why_not_one_moment() const override {
    return "pulk does not know this ODBC driver, and ODBC cannot say what several statements see";
  }
  void lock_writers(Connection& connection, const std::vector<ServerObject>&) const override {
    throw Error(ErrorKind::refused, "pulk cannot keep writers out of a database whose ODBC driver it does not know",
                connection.subject(), "remove snapshot_lock from the connections file");
  }
  void unlock_writers(Connection&) const override {}

 private:
  std::vector<Listed> list(Connection& connection) const;
  Listed find_listed(Connection& connection, const TableRequest& request) const;
  ServerObject find_table(Connection& connection, const TableRequest& request) const;
  ServerObject find_query(Connection& connection, const TableRequest& request) const;

  std::string mark_, separator_;
};

SourceFacts GenericDialect::facts(Connection& connection) const {
  SourceFacts facts;
  facts.product = connection.info(SQL_DBMS_NAME) + " " + connection.info(SQL_DBMS_VER) + " (" +
                  connection.info(SQL_DRIVER_NAME) + " " + connection.info(SQL_DRIVER_VER) + ")";
  facts.identity = connection.info(SQL_DBMS_NAME) + ":" + connection.info(SQL_SERVER_NAME) + "/" +
                   connection.info(SQL_DATABASE_NAME);
  facts.level = ConsistencyLevel::per_partition;
  facts.level_reason = why_not_one_moment();
  facts.notes.emplace_back(
      "pulk does not know this ODBC driver: types are those that it describes, each table is read in "
      "one piece, and the driver may hold the result of a whole table in memory");
  return facts;
}

std::vector<Listed> GenericDialect::list(Connection& connection) const {
  Statement statement(connection);
  if (!SQL_SUCCEEDED(SQLTables(statement.handle(), nullptr, 0, nullptr, 0, nullptr, 0, nullptr, 0)))
    statement.fail("the driver lists no tables");
  std::vector<Listed> all;
  for (const Row& row : statement.rows()) {
    Listed listed{text_of(row, 0), text_of(row, 1), text_of(row, 2), to_upper(text_of(row, 3))};
    if (listed.type.find("SYSTEM") == std::string::npos) all.push_back(std::move(listed));
  }
  return all;
}

std::vector<QualifiedName> GenericDialect::tables(Connection& connection, const WrittenName& schema) const {
  std::vector<QualifiedName> names;
  for (const Listed& listed : list(connection))
    if (schema.empty() || iequals(schema.text, listed.schema)) names.push_back(listed.name());
  return names;
}

Listed GenericDialect::find_listed(Connection& connection, const TableRequest& request) const {
  const auto fits = [](const WrittenName& written, const std::string& name) {
    return written.empty() || written.text == name || (!written.exact && iequals(written.text, name));
  };
  std::vector<Listed> found;
  std::vector<std::string> names;
  for (Listed& listed : list(connection)) {
    if (!fits(request.database, listed.catalog) || !fits(request.schema, listed.schema)) continue;
    names.push_back(listed.table);
    if (fits(request.table, listed.table)) found.push_back(std::move(listed));
  }
  const auto exact =
      std::count_if(found.begin(), found.end(), [&](const Listed& l) { return l.table == request.table.text; });
  if (exact > 0) std::erase_if(found, [&](const Listed& l) { return l.table != request.table.text; });
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    const auto near = did_you_mean(request.table.text, names);
    throw Error(ErrorKind::usage, "the driver lists no table or view " + request.table.text, connection.subject(),
                near ? "did you mean " + *near + "?" : "does the login see it?");
  }
  std::vector<std::string> shown;
  for (const Listed& listed : found) shown.push_back(listed.name().display());
  throw Error(ErrorKind::usage, "several tables answer to " + request.table.text + ": " + join(shown, ", "),
              connection.subject(), "name schemaName, or databaseName, or write the name exactly, in quotes");
}

SourceColumn source_column(const std::string& name, const generic::ListedType& type, bool nullable) {
  const generic::MeaningOfType means = generic::meaning_of(type);
  SourceColumn column;
  column.name = name;
  column.native_type = generic::native_name(type);
  column.bare_type = column.native_type.substr(0, column.native_type.find('('));
  column.nullable = nullable;
  column.logical = means.logical;
  column.refusal = means.refusal;
  column.readable_as_text = means.logical.has_value();
  return column;
}

ServerObject GenericDialect::find_table(Connection& connection, const TableRequest& request) const {
  const Listed listed = find_listed(connection, request);
  ServerObject object;
  object.object.name = listed.name();
  object.object.filter = request.filter;
  object.kind = listed.type.find("VIEW") != std::string::npos ? ObjectKind::view : ObjectKind::table;
  object.transactional = false;
  // The names are patterns to SQLColumns: rows of other tables that match are left out.
  Statement columns(connection);
  if (!SQL_SUCCEEDED(SQLColumns(columns.handle(), bytes_of(listed.catalog), SQL_NTS, bytes_of(listed.schema), SQL_NTS,
                                bytes_of(listed.table), SQL_NTS, nullptr, 0)))
    columns.fail("the driver lists no columns");
  for (const Row& row : columns.rows()) {
    if (text_of(row, 2) != listed.table || text_of(row, 1) != listed.schema) continue;
    generic::ListedType type;
    type.code = static_cast<int>(to_number(row.at(4)));
    type.name = text_of(row, 5);
    type.size = to_number(row.at(6));
    if (row.at(8)) type.digits = to_number(row.at(8));
    object.columns.push_back(source_column(text_of(row, 3), type, to_number(row.at(10)) != SQL_NO_NULLS));
  }
  Statement key(connection);
  // Some drivers have no primary keys to tell of.
  if (SQL_SUCCEEDED(SQLPrimaryKeys(key.handle(), bytes_of(listed.catalog), SQL_NTS, bytes_of(listed.schema), SQL_NTS,
                                   bytes_of(listed.table), SQL_NTS))) {
    std::vector<Row> rows = key.rows();
    std::sort(rows.begin(), rows.end(),
              [](const Row& a, const Row& b) { return to_number(a.at(4)) < to_number(b.at(4)); });
    for (const Row& row : rows) object.primary_key.push_back(text_of(row, 3));
  }
  return object;
}

ServerObject GenericDialect::find_query(Connection& connection, const TableRequest& request) const {
  ServerObject object;
  object.kind = ObjectKind::query;
  object.object.query = bare_query(request.query);
  object.object.filter = request.filter;
  object.transactional = false;
  Statement statement(connection);
  statement.execute("SELECT * FROM " + from_item(object.object) + " WHERE 1 = 0");
  const int columns = statement.columns();
  for (int i = 1; i <= columns; ++i) {
    const auto number = static_cast<SQLUSMALLINT>(i);
    SQLCHAR name[512] = {}, type_name[128] = {};
    SQLSMALLINT length = 0, code = 0, digits = 0, nullable = 0;
    SQLULEN size = 0;
    if (!SQL_SUCCEEDED(
            SQLDescribeCol(statement.handle(), number, name, sizeof name, &length, &code, &size, &digits, &nullable)))
      statement.fail("a column of the query cannot be described");
    SQLColAttribute(statement.handle(), number, SQL_DESC_TYPE_NAME, type_name, sizeof type_name, &length, nullptr);
    const generic::ListedType type{code, reinterpret_cast<const char*>(type_name), static_cast<std::int64_t>(size),
                                   digits};
    object.columns.push_back(source_column(reinterpret_cast<const char*>(name), type, nullable != SQL_NO_NULLS));
  }
  return object;
}

std::string GenericDialect::from_item(const SourceObject& object) const {
  // Without AS: there are databases that take none before the name of a table.
  if (object.is_query()) return "(" + object.query + "\n) pulk_query";
  std::string text;
  if (!object.name.database.empty() && !separator_.empty()) text += quote(object.name.database) + separator_;
  if (!object.name.schema.empty()) text += quote(object.name.schema) + ".";
  return text + quote(object.name.table);
}

NativeColumn GenericDialect::read_as(const ColumnPlan& column) const {
  const std::string name = quote(column.source_name);
  switch (column.carrier.kind) {
    case CarrierKind::boolean:
      return {name, NativeForm::boolean, 0};
    case CarrierKind::int16:
    case CarrierKind::int32:
    case CarrierKind::int64:
      return {name, NativeForm::integer, 0};
    case CarrierKind::float32:
      return {name, NativeForm::single, 0};
    case CarrierKind::float64:
      return {name, NativeForm::float64, 0};
    case CarrierKind::decimal128:
      return {name, NativeForm::decimal, 0};
    case CarrierKind::utf8:
    case CarrierKind::json:
      if (column.logical.precision > 6 && column.logical.kind == TypeKind::timestamp)
        return {name, NativeForm::timestamp_struct, 0};
      if (column.logical.precision > 6 && column.logical.kind == TypeKind::time) return {name, NativeForm::time, 0};
      // ODBC says how other types are written as text, but not with how many digits these are.
      if (column.logical.kind == TypeKind::float32 || column.logical.kind == TypeKind::float64)
        throw Error(ErrorKind::refused,
                    "column " + column.source_name + " (" + column.source_type +
                        ") cannot travel as text: the driver may leave digits out",
                    "", "map it to DOUBLE, or leave it as it is");
      return {name, NativeForm::utf16, 0};
    case CarrierKind::binary:
      return {name, NativeForm::bytes, 0};
    case CarrierKind::date32:
      return {name, NativeForm::date_struct, 0};
    case CarrierKind::time64_us:
    case CarrierKind::time64_ns:
      return {name, NativeForm::time, 0};
    case CarrierKind::timestamp_us:
    case CarrierKind::timestamp_ns:
      return {name, NativeForm::timestamp_struct, 0};
    case CarrierKind::uuid:
      return {name, NativeForm::uuid, 0};
    case CarrierKind::timestamp_us_utc:
      break;
  }
  throw Error(ErrorKind::internal, "no way to read a column", column.source_name);
}

}  // namespace

std::unique_ptr<ServerDialect> make_generic_dialect(Connection& connection) {
  // Behind the table's name, catalogs are of the time before schemas: such a driver's tables are named without.
  const bool before = connection.number_info(SQL_CATALOG_LOCATION) == SQL_CL_START;
  const bool in_statements = (connection.number_info(SQL_CATALOG_USAGE) & SQL_CU_DML_STATEMENTS) != 0;
  return std::make_unique<GenericDialect>(connection.info(SQL_IDENTIFIER_QUOTE_CHAR),
                                          before && in_statements ? connection.info(SQL_CATALOG_NAME_SEPARATOR) : "");
}

}  // namespace pulk::odbc
