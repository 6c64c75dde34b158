#include "source/odbc/psqlodbc_columns.h"

#include <string>

#include "base/error.h"
#include "source/postgres/oids.h"
#include "source/postgres/printed.h"

namespace pulk::odbc {
namespace {

// money under lc_monetary = 'C' has two fraction digits, whatever it has in this database.
std::string money(const std::string& name, int digits) {
  std::string factor = "1";
  if (digits < 2) factor += std::string(static_cast<std::size_t>(2 - digits), '0');
  if (digits > 2) factor = "0." + std::string(static_cast<std::size_t>(digits - 3), '0') + "1";
  return "pg_catalog.round(" + name + "::pg_catalog.numeric * " + factor + ", " + std::to_string(digits) +
         ")::pg_catalog.text";
}

std::string number(const postgres::CatalogColumn& actual, const std::string& name) {
  namespace oid = postgres::oid;
  const bool has_cast = actual.type == oid::oid || postgres::names_an_object(actual.type);
  return name + (has_cast ? "::pg_catalog.oid::pg_catalog.int8" : "::pg_catalog.text::pg_catalog.int8");
}

}  // namespace

NativeColumn psqlodbc_column(const postgres::CatalogColumn& actual, const postgres::ReadColumn& read) {
  using postgres::Decode;
  const std::string& name = read.expression;
  const std::string as_text = name + "::pg_catalog.text";
  switch (read.decode) {
    case Decode::boolean:
      return {name, NativeForm::boolean, 0};
    case Decode::int16:
    case Decode::int32:
    case Decode::int64:
    case Decode::integer:
      return {name, NativeForm::integer, 0};
    // Without a fraction by its declaration.
    case Decode::numeric_integer:
      return {name + "::pg_catalog.int8", NativeForm::integer, 0};
    case Decode::unsigned32:
      return {number(actual, name), NativeForm::integer, 0};
    case Decode::integer_decimal:
    case Decode::numeric_decimal:
    case Decode::unsigned64_decimal:
      return {as_text, NativeForm::decimal, 0};
    case Decode::money_decimal:
      return {money(name, actual.money_digits), NativeForm::decimal, 0};
    case Decode::money_text:
      return {money(name, actual.money_digits), NativeForm::text, 24};
    // The driver would round to the digits that a float shows.
    case Decode::float32:
      return {name + "::pg_catalog.float8", NativeForm::float32, 0};
    case Decode::float32_to_64:
      return {name + "::pg_catalog.float8", NativeForm::float64, 0};
    case Decode::float64:
      return {name, NativeForm::float64, 0};
    case Decode::text:
    case Decode::printed:
      return {name, NativeForm::text, read.plan.logical.length * 4};
    case Decode::char_byte:
      return {name, NativeForm::text, 4};
    case Decode::jsonb:
      return {as_text, NativeForm::text, 0};
    case Decode::bytes:
      return {name, NativeForm::bytes, 0};
    case Decode::date:
      return {as_text, NativeForm::date, 0};
    case Decode::time:
      return {as_text, NativeForm::time, 0};
    case Decode::timestamp:
      if (read.plan.carrier.kind == CarrierKind::timestamp_us_utc)
        return {"(" + name + " AT TIME ZONE 'UTC')::pg_catalog.text", NativeForm::timestamp, 0};
      return {as_text, NativeForm::timestamp, 0};
    case Decode::uuid:
      return {as_text, NativeForm::uuid, 0};
  }
  throw Error(ErrorKind::internal, "no way to read a column", read.plan.source_name);
}

}  // namespace pulk::odbc
