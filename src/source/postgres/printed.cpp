#include "source/postgres/printed.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "source/postgres/oids.h"

namespace pulk::postgres {
namespace {

constexpr int usual_money_digits = 2;

}  // namespace

bool is_printed(std::uint32_t type) {
  static constexpr std::array types = {
      oid::timetz,        oid::interval,    oid::inet,       oid::cidr,     oid::macaddr, oid::macaddr8, oid::bit,
      oid::varbit,        oid::tsvector,    oid::tsquery,    oid::point,    oid::line,    oid::lseg,     oid::box,
      oid::path,          oid::polygon,     oid::circle,     oid::tid,      oid::pg_lsn,  oid::jsonpath, oid::refcursor,
      oid::txid_snapshot, oid::pg_snapshot, oid::int2vector, oid::oidvector};
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool names_an_object(std::uint32_t type) {
  static constexpr std::array types = {oid::regproc,  oid::regprocedure, oid::regoper,     oid::regoperator,
                                       oid::regclass, oid::regtype,      oid::regconfig,   oid::regdictionary,
                                       oid::regrole,  oid::regnamespace, oid::regcollation};
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool is_known_extension_type(const std::string& extension_type) {
  static constexpr std::array<std::string_view, 15> types = {
      "citext.citext", "cube.cube",  "hstore.hstore", "intarray.query_int", "isn.ean13",
      "isn.isbn",      "isn.isbn13", "isn.ismn",      "isn.ismn13",         "isn.issn",
      "isn.issn13",    "isn.upc",    "ltree.lquery",  "ltree.ltree",        "ltree.ltxtquery"};
  return std::find(types.begin(), types.end(), extension_type) != types.end();
}

bool is_citext(const CatalogColumn& column) {
  return column.parts.size() == 1 && column.parts[0].type == column.type &&
         column.parts[0].extension_type == "citext.citext";
}

std::optional<Doubt> doubt_about_print(const CatalogColumn& column) {
  const std::string& type = column.column.native_type;
  std::optional<Doubt> doubt;
  for (const TypePart& part : column.parts) {
    const std::string inside =
        part.type == column.type ? "type " + type : "type " + type + " has " + part.name + " in it, which";
    if (names_an_object(part.type)) {
      return Doubt{inside + " the server prints by its search_path: convert it to oid in a query", false};
    }
    if (part.type == oid::money && column.money_digits != usual_money_digits) {
      return Doubt{inside + " has " + std::to_string(column.money_digits) +
                       " fraction digits by this database's lc_monetary: convert it to numeric in a query",
                   false};
    }
    const bool exact = part.is_enum || has_rule(part.type) || is_known_extension_type(part.extension_type);
    if (!exact && !doubt) doubt = Doubt{inside + " is neither built in nor known to pulk", true};
  }
  return doubt;
}

// concat() calls the type's output function. A cast to text may be another function: inet's adds a netmask, and casts
// can be anybody's. IS NOT NULL would be false for a row of NULLs, which is not NULL itself.
std::string printed_expression(const std::string& quoted_column) {
  return "CASE WHEN " + quoted_column + " IS DISTINCT FROM NULL THEN pg_catalog.concat(" + quoted_column + ") END";
}

}  // namespace pulk::postgres
