#include "warehouse/sql_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace pulk {

namespace {

struct Alias {
  std::string_view name;
  SqlBase base;
};

// The first name of each base is the one that to_string() writes.
constexpr Alias kAliases[] = {
    {"BOOLEAN", SqlBase::boolean},      {"BOOL", SqlBase::boolean},         {"LOGICAL", SqlBase::boolean},
    {"TINYINT", SqlBase::tinyint},      {"INT1", SqlBase::tinyint},
    {"SMALLINT", SqlBase::smallint},    {"INT2", SqlBase::smallint},        {"INT16", SqlBase::smallint},
    {"SHORT", SqlBase::smallint},
    {"INTEGER", SqlBase::integer},      {"INT", SqlBase::integer},          {"INT4", SqlBase::integer},
    {"INT32", SqlBase::integer},        {"SIGNED", SqlBase::integer},       {"INTEGRAL", SqlBase::integer},
    {"BIGINT", SqlBase::bigint},        {"INT8", SqlBase::bigint},          {"INT64", SqlBase::bigint},
    {"LONG", SqlBase::bigint},
    {"HUGEINT", SqlBase::hugeint},      {"INT128", SqlBase::hugeint},
    {"UTINYINT", SqlBase::utinyint},    {"UINT8", SqlBase::utinyint},
    {"USMALLINT", SqlBase::usmallint},  {"UINT16", SqlBase::usmallint},
    {"UINTEGER", SqlBase::uinteger},    {"UINT32", SqlBase::uinteger},
    {"UBIGINT", SqlBase::ubigint},      {"UINT64", SqlBase::ubigint},
    {"UHUGEINT", SqlBase::uhugeint},    {"UINT128", SqlBase::uhugeint},
    {"FLOAT", SqlBase::float32},        {"FLOAT4", SqlBase::float32},       {"REAL", SqlBase::float32},
    {"DOUBLE", SqlBase::float64},       {"FLOAT8", SqlBase::float64},       {"DOUBLE PRECISION", SqlBase::float64},
    {"DECIMAL", SqlBase::decimal},      {"NUMERIC", SqlBase::decimal},      {"DEC", SqlBase::decimal},
    {"NUMBER", SqlBase::decimal},
    {"VARCHAR", SqlBase::varchar},      {"CHAR", SqlBase::varchar},         {"BPCHAR", SqlBase::varchar},
    {"TEXT", SqlBase::varchar},         {"STRING", SqlBase::varchar},       {"NVARCHAR", SqlBase::varchar},
    {"CHARACTER", SqlBase::varchar},    {"CHARACTER VARYING", SqlBase::varchar},
    {"BLOB", SqlBase::blob},            {"BYTEA", SqlBase::blob},           {"BINARY", SqlBase::blob},
    {"VARBINARY", SqlBase::blob},
    {"DATE", SqlBase::date},            {"TIME", SqlBase::time},            {"TIME WITHOUT TIME ZONE", SqlBase::time},
    {"TIME_NS", SqlBase::time_ns},
    {"TIMESTAMP", SqlBase::timestamp},  {"DATETIME", SqlBase::timestamp},   {"TIMESTAMP_US", SqlBase::timestamp},
    {"TIMESTAMP WITHOUT TIME ZONE", SqlBase::timestamp},
    {"TIMESTAMP_S", SqlBase::timestamp_s}, {"TIMESTAMP_MS", SqlBase::timestamp_ms},
    {"TIMESTAMP_NS", SqlBase::timestamp_ns},
    {"TIMESTAMP WITH TIME ZONE", SqlBase::timestamp_tz}, {"TIMESTAMPTZ", SqlBase::timestamp_tz},
    {"UUID", SqlBase::uuid},            {"GUID", SqlBase::uuid},            {"JSON", SqlBase::json},
};

// Integer types by the number of decimal digits that they hold for certain; 0: no integer type, or no negatives.
int sure_digits(SqlBase base) {
  switch (base) {
    case SqlBase::tinyint: return 2;
    case SqlBase::smallint: return 4;
    case SqlBase::integer: return 9;
    case SqlBase::bigint: return 18;
    case SqlBase::hugeint: return 38;
    default: return 0;
  }
}

bool is_integer(SqlBase base) { return base >= SqlBase::tinyint && base <= SqlBase::uhugeint; }

// Bits of a signed integer; 0 for all others.
int signed_bits(SqlBase base) {
  switch (base) {
    case SqlBase::tinyint: return 8;
    case SqlBase::smallint: return 16;
    case SqlBase::integer: return 32;
    case SqlBase::bigint: return 64;
    case SqlBase::hugeint: return 128;
    default: return 0;
  }
}

// Decimals that have no carrier of their own: any number of digits, too many, or a scale outside the digits.
bool open_decimal(const LogicalType& logical) {
  return logical.precision < 1 || logical.precision > 38 || logical.scale < 0 || logical.scale > logical.precision;
}

Fitness never(std::string why) { return {Fit::never, {}, false, std::move(why)}; }

Fitness fit_integer(const LogicalType& logical, const SqlType& target, int bits) {
  const Carrier carrier = natural_carrier(logical);
  const int digits = bits == 16 ? 5 : bits == 32 ? 10 : 19;
  if (is_integer(target.base)) {
    if (signed_bits(target.base) >= bits) return {Fit::exact, carrier, signed_bits(target.base) != bits, ""};
    return {Fit::checked, carrier, true, "a value outside its range ends the load with an error"};
  }
  if (target.base == SqlBase::decimal) {
    if (target.precision - target.scale >= digits) return {Fit::exact, carrier, true, ""};
    return {Fit::checked, carrier, true, "a value outside its range ends the load with an error"};
  }
  if (target.base == SqlBase::float64 && bits <= 32) return {Fit::exact, carrier, true, ""};
  if (target.base == SqlBase::float32 && bits <= 16) return {Fit::exact, carrier, true, ""};
  if (target.base == SqlBase::float64 || target.base == SqlBase::float32)
    return never("large values would be rounded");
  return never("");
}

Fitness fit_decimal(const LogicalType& logical, const SqlType& target) {
  const bool open = open_decimal(logical);
  if (target.base == SqlBase::decimal) {
    const bool holds = !open && logical.scale <= target.scale &&
                       logical.precision - logical.scale <= target.precision - target.scale;
    const Carrier own{CarrierKind::decimal128, logical.precision, logical.scale};
    if (holds)
      return {Fit::exact, own, own.precision != target.precision || own.scale != target.scale, ""};
    // The carrier has the target's shape: the reader refuses the first value that has more digits.
    return {Fit::exact, {CarrierKind::decimal128, target.precision, target.scale}, false,
            "a value with more digits than " + to_string(target) + " holds is refused by name when it is read"};
  }
  if (is_integer(target.base)) {
    if (open || logical.scale != 0) return never("digits after the decimal point would be rounded away");
    const Carrier own{CarrierKind::decimal128, logical.precision, 0};
    if (logical.precision <= sure_digits(target.base)) return {Fit::exact, own, true, ""};
    return {Fit::checked, own, true, "a value outside its range ends the load with an error"};
  }
  if (target.base == SqlBase::float32 || target.base == SqlBase::float64)
    return never("decimal fractions would be rounded");
  return never("");
}

// Moments that only text holds whole. Where a column holds some of them, the reader refuses the others.
Fitness fit_fine_moment(const LogicalType& logical, const SqlType& target) {
  if (logical.kind == TypeKind::timestamp && target.base == SqlBase::timestamp_ns)
    return {Fit::exact, {CarrierKind::timestamp_ns}, false,
            "a moment outside the years 1677 to 2262 is refused by name when it is read"};
  if (logical.kind == TypeKind::timestamp && target.base == SqlBase::timestamp)
    return {Fit::exact, {CarrierKind::timestamp_us}, false,
            "a moment with more than 6 fractional digits is refused by name when it is read"};
  return never("it has more than 6 fractional digits, which microseconds cannot hold");
}

Fitness fit_moment(const LogicalType& logical, const SqlType& target) {
  const Carrier carrier = natural_carrier(logical);
  if (logical.kind == TypeKind::timestamp_offset) {
    if (target.base != SqlBase::timestamp_tz || logical.precision > 6)
      return never("the offset of each value would be lost; VARCHAR keeps it");
    return {Fit::exact, {CarrierKind::timestamp_us_utc}, false,
            "a value with an offset other than +00:00 is refused by name when it is read"};
  }
  if (logical.precision > 6) return fit_fine_moment(logical, target);
  if (logical.kind == TypeKind::timestamp_tz) {
    if (target.base == SqlBase::timestamp_tz) return {Fit::exact, carrier, false, ""};
    return never("an instant would become a wall clock without its zone");
  }
  switch (target.base) {
    case SqlBase::timestamp: return {Fit::exact, carrier, false, ""};
    case SqlBase::timestamp_ms:
      if (logical.precision <= 3) return {Fit::exact, carrier, true, ""};
      return never("fractions of milliseconds would be cut off");
    case SqlBase::timestamp_s:
      if (logical.precision == 0) return {Fit::exact, carrier, true, ""};
      return never("fractions of seconds would be cut off");
    case SqlBase::timestamp_ns:
      return {Fit::checked, carrier, true, "a moment outside the years 1677 to 2262 ends the load with an error"};
    case SqlBase::timestamp_tz: return never("a wall clock without a zone would become an instant");
    default: return never("");
  }
}

}  // namespace

std::optional<SqlType> parse_sql_type(std::string_view text) {
  std::string name = to_upper(trim(text));
  std::vector<int> arguments;
  if (const auto open = name.find('('); open != std::string::npos) {
    const auto close = name.find(')', open);
    if (close == std::string::npos) return std::nullopt;
    for (const std::string& piece : split(name.substr(open + 1, close - open - 1), ',')) {
      const std::string_view digits = trim(piece);
      int value = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
      arguments.push_back(value);
    }
    // "TIMESTAMP(6) WITH TIME ZONE" has its argument in the middle.
    name = std::string(trim(name.substr(0, open))) + name.substr(close + 1);
  }
  name.erase(std::unique(name.begin(), name.end(), [](char a, char b) { return a == ' ' && b == ' '; }), name.end());
  name = std::string(trim(name));

  const auto* alias = std::find_if(std::begin(kAliases), std::end(kAliases),
                                   [&](const Alias& a) { return a.name == name; });
  if (alias == std::end(kAliases)) return std::nullopt;
  SqlType type{alias->base, 0, 0};
  switch (type.base) {
    case SqlBase::decimal:
      if (arguments.size() > 2) return std::nullopt;
      // What DuckDB makes of a bare DECIMAL and of a precision alone.
      type.precision = arguments.empty() ? 18 : arguments[0];
      type.scale = arguments.empty() ? 3 : arguments.size() == 2 ? arguments[1] : 0;
      if (type.precision < 1 || type.precision > 38 || type.scale < 0 || type.scale > type.precision)
        return std::nullopt;
      return type;
    case SqlBase::varchar:
    case SqlBase::blob:
      if (arguments.size() > 1) return std::nullopt;
      return type;
    case SqlBase::time:
    case SqlBase::timestamp:
    case SqlBase::timestamp_tz:
      // More than microseconds is another type; fewer is a promise that the targets here do not keep.
      if (arguments.size() > 1 || (arguments.size() == 1 && arguments[0] != 6)) return std::nullopt;
      return type;
    default:
      if (!arguments.empty()) return std::nullopt;
      return type;
  }
}

std::string to_string(const SqlType& type) {
  const auto* alias =
      std::find_if(std::begin(kAliases), std::end(kAliases), [&](const Alias& a) { return a.base == type.base; });
  std::string name(alias->name);
  if (type.base == SqlBase::decimal)
    name += "(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
  return name;
}

Fitness fitness(const LogicalType& logical, const SqlType& target) {
  const Carrier carrier = natural_carrier(logical);
  // Text holds everything, in the canonical spelling that the reader writes.
  if (target.base == SqlBase::varchar) return {Fit::exact, {CarrierKind::utf8}, false, ""};
  switch (logical.kind) {
    case TypeKind::boolean:
      if (target.base == SqlBase::boolean) return {Fit::exact, carrier, false, ""};
      break;
    case TypeKind::int16: return fit_integer(logical, target, 16);
    case TypeKind::int32: return fit_integer(logical, target, 32);
    case TypeKind::int64: return fit_integer(logical, target, 64);
    case TypeKind::float32:
      if (target.base == SqlBase::float32) return {Fit::exact, carrier, false, ""};
      if (target.base == SqlBase::float64) return {Fit::exact, carrier, true, ""};
      if (is_integer(target.base) || target.base == SqlBase::decimal) return never("fractions would be rounded");
      break;
    case TypeKind::float64:
      if (target.base == SqlBase::float64) return {Fit::exact, carrier, false, ""};
      if (is_integer(target.base) || target.base == SqlBase::decimal || target.base == SqlBase::float32)
        return never("values would be rounded");
      break;
    case TypeKind::decimal: return fit_decimal(logical, target);
    case TypeKind::text:
      if (target.base == SqlBase::json)
        return {Fit::checked, {CarrierKind::utf8}, true, "a text that is no JSON ends the load with an error"};
      break;
    case TypeKind::bytes:
      if (target.base == SqlBase::blob) return {Fit::exact, carrier, false, ""};
      break;
    case TypeKind::date:
      if (target.base == SqlBase::date) return {Fit::exact, carrier, false, ""};
      if (target.base == SqlBase::timestamp)
        return {Fit::checked, carrier, true, "a day outside its range ends the load with an error"};
      break;
    case TypeKind::time:
      if (target.base == SqlBase::time_ns) return {Fit::exact, carrier, logical.precision <= 6, ""};
      if (target.base != SqlBase::time) break;
      if (logical.precision > 6) return never("it has more than 6 fractional digits, which microseconds cannot hold");
      return {Fit::exact, carrier, false, ""};
    case TypeKind::timestamp:
    case TypeKind::timestamp_tz:
    case TypeKind::timestamp_offset: return fit_moment(logical, target);
    case TypeKind::uuid:
      if (target.base == SqlBase::uuid) return {Fit::exact, carrier, false, ""};
      break;
    case TypeKind::json:
      if (target.base == SqlBase::json) return {Fit::exact, carrier, false, ""};
      break;
  }
  return never("");
}

NaturalType natural_type(const LogicalType& logical) {
  const Carrier carrier = natural_carrier(logical);
  const bool fine = logical.precision > 6;
  switch (logical.kind) {
    case TypeKind::boolean: return {{SqlBase::boolean}, carrier, ""};
    case TypeKind::int16: return {{SqlBase::smallint}, carrier, ""};
    case TypeKind::int32: return {{SqlBase::integer}, carrier, ""};
    case TypeKind::int64: return {{SqlBase::bigint}, carrier, ""};
    case TypeKind::float32: return {{SqlBase::float32}, carrier, ""};
    case TypeKind::float64: return {{SqlBase::float64}, carrier, ""};
    case TypeKind::decimal:
      if (logical.precision < 1)
        return {{SqlBase::varchar}, {CarrierKind::utf8},
                "unconstrained numeric travels as text; map it to DECIMAL(p,s) to have numbers"};
      if (open_decimal(logical))
        return {{SqlBase::varchar}, {CarrierKind::utf8}, "no DECIMAL has this precision and scale: it travels as text"};
      return {{SqlBase::decimal, logical.precision, logical.scale}, carrier, ""};
    case TypeKind::text: return {{SqlBase::varchar}, carrier, ""};
    case TypeKind::bytes: return {{SqlBase::blob}, carrier, ""};
    case TypeKind::date: return {{SqlBase::date}, carrier, ""};
    case TypeKind::time: return {{fine ? SqlBase::time_ns : SqlBase::time}, carrier, ""};
    case TypeKind::timestamp:
      if (fine)
        return {{SqlBase::varchar}, carrier,
                std::to_string(logical.precision) +
                    " fractional digits travel as text; map it to TIMESTAMP_NS for moments from 1677 to 2262"};
      return {{SqlBase::timestamp}, carrier, ""};
    case TypeKind::timestamp_tz:
      if (fine)
        return {{SqlBase::varchar}, carrier,
                std::to_string(logical.precision) + " fractional digits travel as text: microseconds have 6"};
      return {{SqlBase::timestamp_tz}, carrier, ""};
    case TypeKind::timestamp_offset:
      return {{SqlBase::varchar}, carrier, "the moment with its offset travels as text: no type here keeps an offset"};
    case TypeKind::uuid: return {{SqlBase::uuid}, carrier, ""};
    case TypeKind::json: return {{SqlBase::json}, carrier, ""};
  }
  return {{SqlBase::varchar}, {CarrierKind::utf8}, ""};
}

}  // namespace pulk
