#include "source/postgres/type_parts.h"

#include <algorithm>
#include <string>

#include "source/dialect/postgres.h"
#include "source/postgres/oids.h"

namespace pulk::postgres {
namespace {

bool holds_money(const CatalogColumn& column) {
  return column.type == oid::money || std::any_of(column.parts.begin(), column.parts.end(),
                                                  [](const TypePart& part) { return part.type == oid::money; });
}

void read_parts(pg::Statements& connection, std::vector<CatalogColumn>& columns) {
  std::vector<std::string> types;
  for (const CatalogColumn& column : columns) {
    if (!column.is_enum && !has_rule(column.type)) types.push_back(std::to_string(column.type));
  }
  if (types.empty()) return;
  const std::string multirange =
      connection.server_version() >= 140000 ? "t.oid IN (r.rngtypid, r.rngmultitypid)" : "t.oid = r.rngtypid";
  // An array is what prints itself as one; typelem is also set where the elements do not show (point, name).
  const pg::Result rows = connection.query(
      R"(WITH RECURSIVE part(root, type) AS (
  SELECT DISTINCT root, root FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS root
  UNION
  SELECT part.root, below.type FROM part JOIN pg_catalog.pg_type t ON t.oid = part.type CROSS JOIN LATERAL (
    SELECT t.typbasetype AS type WHERE t.typtype = 'd'
    UNION ALL SELECT t.typelem WHERE t.typoutput = 'pg_catalog.array_out'::pg_catalog.regproc
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
               WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE )" +
          multirange + R"() AS below)
SELECT part.root, t.oid, t.typtype = 'e', pg_catalog.format_type(t.oid, NULL),
       (SELECT e.extname || '.' || t.typname FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e'
           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass LIMIT 1),
       t.typtype IN ('d', 'c', 'r', 'm') OR t.typoutput = 'pg_catalog.array_out'::pg_catalog.regproc,
       (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname) || ' '
                                     || pg_catalog.format_type(a.atttypid, a.atttypmod), ',' ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a
         WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
  FROM part JOIN pg_catalog.pg_type t ON t.oid = part.type
 ORDER BY part.root, t.oid)",
      {array_literal(types)});
  for (int i = 0; i < rows.rows(); ++i) {
    const auto root = static_cast<std::uint32_t>(rows.integer(i, 0));
    TypePart part{static_cast<std::uint32_t>(rows.integer(i, 1)), rows.text(i, 3), rows.text(i, 4), rows.boolean(i, 2)};
    for (CatalogColumn& column : columns) {
      if (column.type != root) continue;
      if (!rows.boolean(i, 5)) column.parts.push_back(part);
      if (!rows.is_null(i, 6)) column.layout += part.name + "(" + rows.text(i, 6) + ")";
    }
  }
}

// How many digits of money are behind the point is no property of the value: the configured lc_monetary says it.
int fraction_digits_of_money(pg::Statements& connection) {
  connection.exec("SET LOCAL lc_monetary TO DEFAULT");
  const pg::Result row = connection.exec("SELECT pg_catalog.scale(1::pg_catalog.money::pg_catalog.numeric)");
  connection.exec("SET LOCAL lc_monetary = 'C'");
  return static_cast<int>(row.integer(0, 0));
}

}  // namespace

void look_into_types(pg::Statements& connection, std::vector<CatalogColumn>& columns) {
  read_parts(connection, columns);
  if (std::none_of(columns.begin(), columns.end(), holds_money)) return;
  const int digits = fraction_digits_of_money(connection);
  for (CatalogColumn& column : columns) column.money_digits = digits;
}

}  // namespace pulk::postgres
