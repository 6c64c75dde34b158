#include "source/postgres/types.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "source/postgres/oids.h"
#include "source/postgres/printed.h"

namespace pulk::postgres {
namespace {

constexpr int header_size = 4;  // VARHDRSZ, part of the typmod of numeric, char and varchar
constexpr int int64_digits = 19, uint64_digits = 20;

LogicalType decimal_of(int typmod) {
  LogicalType type{TypeKind::decimal, 0, 0, 0};
  if (typmod < header_size) return type;
  const int packed = typmod - header_size;
  int precision = (packed >> 16) & 0xffff;
  // 11 bits with sign since PostgreSQL 15; older scales are all below 1001 and read the same.
  int scale = ((packed & 0x7ff) ^ 1024) - 1024;
  if (scale < 0) {
    precision -= scale;  // numeric(2,-3) holds multiples of 1000 up to 99000
    scale = 0;
  }
  precision = std::max(precision, scale);  // numeric(3,5) holds 0.00999
  if (precision > 38) return type;
  type.precision = precision;
  type.scale = scale;
  return type;
}

LogicalType text_of(int typmod) { return {TypeKind::text, 0, 0, typmod < header_size ? 0 : typmod - header_size}; }

int fraction_digits(int typmod) { return typmod < 0 ? 6 : typmod; }

std::optional<LogicalType> own_rule(const CatalogColumn& column) {
  const int typmod = column.typmod;
  if (names_an_object(column.type)) return LogicalType{TypeKind::int64, 0, 0, 0};
  if (is_printed(column.type)) return LogicalType{TypeKind::text, 0, 0, 0};
  switch (column.type) {
    case oid::boolean:
      return LogicalType{TypeKind::boolean, 0, 0, 0};
    case oid::int2:
      return LogicalType{TypeKind::int16, 0, 0, 0};
    case oid::int4:
      return LogicalType{TypeKind::int32, 0, 0, 0};
    case oid::int8:
      return LogicalType{TypeKind::int64, 0, 0, 0};
    case oid::float4:
      return LogicalType{TypeKind::float32, 0, 0, 0};
    case oid::float8:
      return LogicalType{TypeKind::float64, 0, 0, 0};
    case oid::numeric:
      return decimal_of(typmod);
    case oid::money:
      return LogicalType{TypeKind::decimal, int64_digits, column.money_digits, 0};
    case oid::oid:
    case oid::xid:
    case oid::cid:
      return LogicalType{TypeKind::int64, 0, 0, 0};
    case oid::xid8:
      return LogicalType{TypeKind::decimal, uint64_digits, 0, 0};
    case oid::text:
    case oid::name:
    case oid::xml:
    case oid::char_byte:
      return LogicalType{TypeKind::text, 0, 0, 0};
    case oid::bpchar:
    case oid::varchar:
      return text_of(typmod);
    case oid::bytea:
      return LogicalType{TypeKind::bytes, 0, 0, 0};
    case oid::date:
      return LogicalType{TypeKind::date, 0, 0, 0};
    case oid::time:
      return LogicalType{TypeKind::time, fraction_digits(typmod), 0, 0};
    case oid::timestamp:
      return LogicalType{TypeKind::timestamp, fraction_digits(typmod), 0, 0};
    case oid::timestamptz:
      return LogicalType{TypeKind::timestamp_tz, fraction_digits(typmod), 0, 0};
    case oid::uuid:
      return LogicalType{TypeKind::uuid, 0, 0, 0};
    case oid::json:
    case oid::jsonb:
      return LogicalType{TypeKind::json, 0, 0, 0};
    default:
      return std::nullopt;
  }
}

bool sends_text(const CatalogColumn& column) {
  switch (column.type) {
    case oid::text:
    case oid::name:
    case oid::xml:
    case oid::bpchar:
    case oid::varchar:
    case oid::json:
      return true;
    default:
      return column.is_enum || is_citext(column);
  }
}

bool prints(const CatalogColumn& column) {
  return is_printed(column.type) || !(has_rule(column.type) || sends_text(column));
}

bool is_integer(CarrierKind kind) {
  return kind == CarrierKind::int16 || kind == CarrierKind::int32 || kind == CarrierKind::int64;
}

std::optional<Decode> decode_integer(CarrierKind same, Decode direct, CarrierKind carrier) {
  if (carrier == same) return direct;
  if (is_integer(carrier)) return Decode::integer;
  if (carrier == CarrierKind::decimal128) return Decode::integer_decimal;
  return std::nullopt;
}

std::optional<Decode> only(bool fits, Decode decode) { return fits ? std::optional(decode) : std::nullopt; }

// The decoder for the type's own binary form.
std::optional<Decode> decode_of(const CatalogColumn& column, CarrierKind carrier) {
  if (names_an_object(column.type)) return only(carrier == CarrierKind::int64, Decode::unsigned32);
  switch (column.type) {
    case oid::boolean:
      return only(carrier == CarrierKind::boolean, Decode::boolean);
    case oid::int2:
      return decode_integer(CarrierKind::int16, Decode::int16, carrier);
    case oid::int4:
      return decode_integer(CarrierKind::int32, Decode::int32, carrier);
    case oid::int8:
      return decode_integer(CarrierKind::int64, Decode::int64, carrier);
    case oid::float4:
      if (carrier == CarrierKind::float64) return Decode::float32_to_64;
      return only(carrier == CarrierKind::float32, Decode::float32);
    case oid::float8:
      return only(carrier == CarrierKind::float64, Decode::float64);
    case oid::numeric:
      if (carrier == CarrierKind::decimal128) return Decode::numeric_decimal;
      return only(is_integer(carrier), Decode::numeric_integer);
    case oid::money:
      if (carrier == CarrierKind::utf8) return Decode::money_text;
      return only(carrier == CarrierKind::decimal128, Decode::money_decimal);
    case oid::oid:
    case oid::xid:
    case oid::cid:
      return only(carrier == CarrierKind::int64, Decode::unsigned32);
    case oid::xid8:
      return only(carrier == CarrierKind::decimal128, Decode::unsigned64_decimal);
    case oid::char_byte:
      return only(carrier == CarrierKind::utf8, Decode::char_byte);
    case oid::bytea:
      return only(carrier == CarrierKind::binary, Decode::bytes);
    case oid::date:
      return only(carrier == CarrierKind::date32, Decode::date);
    case oid::time:
      return only(carrier == CarrierKind::time64_us, Decode::time);
    case oid::timestamp:
      return only(carrier == CarrierKind::timestamp_us, Decode::timestamp);
    case oid::timestamptz:
      return only(carrier == CarrierKind::timestamp_us_utc, Decode::timestamp);
    case oid::uuid:
      return only(carrier == CarrierKind::uuid, Decode::uuid);
    case oid::jsonb:
      return only(carrier == CarrierKind::json, Decode::jsonb);
    case oid::json:
      if (carrier == CarrierKind::json) return Decode::text;
      break;
    default:
      break;
  }
  return only(carrier == CarrierKind::utf8 && sends_text(column), Decode::text);
}

}  // namespace

bool has_rule(std::uint32_t type) {
  CatalogColumn column;
  column.type = type;
  return own_rule(column).has_value();
}

void classify(CatalogColumn& column) {
  SourceColumn& out = column.column;
  out.readable_as_text = true;
  out.logical = own_rule(column);
  if (!out.logical) {
    const auto doubt = doubt_about_print(column);
    if (doubt) {
      out.refusal = doubt->why;
      out.readable_as_text = doubt->may_be_asked_for;
    } else {
      out.logical = LogicalType{TypeKind::text, 0, 0, 0};
    }
  }
  std::string note;
  if (column.type == oid::bpchar && column.typmod >= header_size) {
    note = "space padded to " + std::to_string(column.typmod - header_size);
  } else if (column.type == oid::money) {
    note = std::to_string(column.money_digits) + " fraction digits, by lc_monetary";
  } else if (names_an_object(column.type)) {
    note = "the object's number";
  } else if (out.logical && prints(column)) {
    note = "as PostgreSQL prints it";
  }
  if (!note.empty()) out.note += (out.note.empty() ? "" : ", ") + note;
}

ReadColumn read_column(const CatalogColumn& actual, const ColumnPlan& plan) {
  ReadColumn read{plan, quote_double(plan.source_name), Decode::text};
  if (const auto decode = decode_of(actual, plan.carrier.kind)) {
    read.decode = *decode;
    return read;
  }
  if (plan.carrier.kind == CarrierKind::utf8) {
    if (prints(actual)) {
      read.expression = printed_expression(read.expression);
      read.decode = Decode::printed;
    } else if (names_an_object(actual.type)) {
      read.expression += "::pg_catalog.oid::pg_catalog.text";
    } else {
      read.expression += "::pg_catalog.text";
    }
    return read;
  }
  throw Error(ErrorKind::refused,
              "column " + quote_double(plan.source_name) + " of type " + actual.column.native_type +
                  " cannot travel as " + to_string(plan.carrier),
              "", "map the type to VARCHAR in columnTypeMappings");
}

}  // namespace pulk::postgres
