// The decision which type a column gets in Snowflake, and how its value comes out of a staged file.
#include <algorithm>

#include "base/strings.h"
#include "catalog/identifier.h"
#include "warehouse/snowflake/snowflake_type.h"

namespace pulk::snowflake {
namespace {

struct Fitness {
  bool never = false;
  bool checked = false;  // values that it does not hold end the load with an error
  Carrier carrier;
  std::string why;
  std::string around;  // a function round the value: "PARSE_JSON"
  std::string format;  // its second argument, for moments that travel as text
};

Fitness exact(const Carrier& carrier) { return {false, false, carrier, "", "", ""}; }
Fitness checked(const Carrier& carrier, std::string why) { return {false, true, carrier, std::move(why), "", ""}; }
Fitness never(std::string why) { return {true, false, {}, std::move(why), "", ""}; }

int digits_of(TypeKind kind) { return kind == TypeKind::int16 ? 5 : kind == TypeKind::int32 ? 10 : 19; }

bool open_decimal(const LogicalType& logical) {
  return logical.precision < 1 || logical.precision > 38 || logical.scale < 0 || logical.scale > logical.precision;
}

Fitness fit_decimal(const LogicalType& logical, const Type& target) {
  if (target.base == Base::real) return never("decimal fractions would be rounded");
  if (target.base != Base::number) return never("");
  const bool holds = !open_decimal(logical) && logical.scale <= target.scale &&
                     logical.precision - logical.scale <= target.precision - target.scale;
  if (holds) return exact({CarrierKind::decimal128, logical.precision, logical.scale});
  // The carrier has the target's shape: the reader refuses the first value that has more digits.
  Fitness fit = exact({CarrierKind::decimal128, target.precision, target.scale});
  fit.why = "a value with more digits than " + to_string(target) + " holds is refused by name when it is read";
  return fit;
}

// Times and moments with more than 6 fractional digits travel as text (catalog/moment_text.h). With the format written,
// no parameter of the account takes part: TIMESTAMP_INPUT_FORMAT and TIME_INPUT_FORMAT are for casts without one.
Fitness fit_fine(const LogicalType& logical, const Type& target) {
  // The reader refuses what has more digits than the carrier.
  if (target.scale == 6 && logical.kind == TypeKind::timestamp) {
    Fitness fit = exact({CarrierKind::timestamp_us});
    fit.why = "a value with more than 6 fractional digits is refused by name when it is read";
    return fit;
  }
  if (target.scale < logical.precision) return never("fractional digits would be cut off");
  Fitness fit = exact({CarrierKind::utf8});
  const std::string clock = "HH24:MI:SS.FF9";
  if (logical.kind == TypeKind::time) {
    fit.around = "TO_TIME";
    fit.format = clock;
    return fit;
  }
  fit.around = target.base == Base::timestamp_ntz   ? "TO_TIMESTAMP_NTZ"
               : target.base == Base::timestamp_ltz ? "TO_TIMESTAMP_LTZ"
                                                    : "TO_TIMESTAMP_TZ";
  fit.format = "YYYY-MM-DD " + clock + (logical.kind == TypeKind::timestamp ? "" : " TZH:TZM");
  return fit;
}

Fitness fit_moment(const LogicalType& logical, const Type& target) {
  const bool instant = logical.kind != TypeKind::timestamp;
  if (target.base == Base::timestamp_ntz && instant)
    return never("an instant would become a wall clock without its zone");
  if ((target.base == Base::timestamp_ltz || target.base == Base::timestamp_tz) && !instant)
    return never("a wall clock without a zone would become an instant");
  if (target.base < Base::timestamp_ntz || target.base > Base::timestamp_tz) return never("");
  if (logical.precision > 6 || logical.kind == TypeKind::timestamp_offset) {
    Fitness fit = fit_fine(logical, target);
    if (!fit.never && logical.kind == TypeKind::timestamp_offset && target.base == Base::timestamp_ltz)
      fit.why = "the instant is kept, its offset is not";
    return fit;
  }
  if (target.scale < logical.precision) return never("fractional digits would be cut off");
  return exact(natural_carrier(logical));
}

Fitness fitness(const LogicalType& logical, const Type& target) {
  const Carrier carrier = natural_carrier(logical), text{CarrierKind::utf8};
  if (target.base == Base::varchar) {
    const std::int64_t needed = logical.kind == TypeKind::uuid   ? 36
                                : logical.kind == TypeKind::text ? logical.length
                                                                 : 0;
    const bool sure = target.length >= kVarchar || (needed > 0 && needed <= target.length);
    return sure ? exact(text)
                : checked(text, "a text longer than " + to_string(target) + " ends the load with an error");
  }
  switch (logical.kind) {
    case TypeKind::boolean:
      if (target.base == Base::boolean) return exact(carrier);
      break;
    case TypeKind::int16:
    case TypeKind::int32:
    case TypeKind::int64:
      if (target.base == Base::number)
        return target.precision - target.scale >= digits_of(logical.kind)
                   ? exact(carrier)
                   : checked(carrier, "a value outside its range ends the load with an error");
      if (target.base == Base::real)
        return logical.kind == TypeKind::int64 ? never("large values would be rounded") : exact(carrier);
      break;
    case TypeKind::float32:
    case TypeKind::float64:
      if (target.base == Base::real) return exact(carrier);
      if (target.base == Base::number) return never("values would be rounded");
      break;
    case TypeKind::decimal:
      return fit_decimal(logical, target);
    case TypeKind::text:
      if (target.base == Base::geography || target.base == Base::geometry) {
        Fitness fit = exact(text);
        fit.around = target.base == Base::geography ? "TO_GEOGRAPHY" : "TO_GEOMETRY";
        fit.why = "the text must be WKT, WKB or GeoJSON; Snowflake keeps the shape, not the text";
        return fit;
      }
      if (target.base == Base::variant || target.base == Base::object || target.base == Base::array)
        return never("whether its text is JSON is not known");
      break;
    case TypeKind::bytes:
      if (target.base == Base::binary) {
        const bool sure = target.length >= kBinary || (logical.length > 0 && logical.length <= target.length);
        return sure ? exact(carrier)
                    : checked(carrier, "a value longer than " + to_string(target) + " ends the load with an error");
      }
      break;
    case TypeKind::date:
      if (target.base == Base::date || target.base == Base::timestamp_ntz) return exact(carrier);
      break;
    case TypeKind::time:
      if (target.base != Base::time) break;
      if (logical.precision > 6) return fit_fine(logical, target);
      return target.scale < logical.precision ? never("fractional digits would be cut off") : exact(carrier);
    case TypeKind::timestamp:
    case TypeKind::timestamp_tz:
    case TypeKind::timestamp_offset:
      return fit_moment(logical, target);
    case TypeKind::uuid:
      break;
    case TypeKind::json:
      if (target.base == Base::variant || target.base == Base::object || target.base == Base::array) {
        Fitness fit = exact(text);
        fit.around = "PARSE_JSON";
        fit.why =
            "Snowflake keeps the value, not the text: spaces and the order of keys go, and numbers of more than 38 "
            "digits become FLOAT";
        return fit;
      }
      break;
  }
  return never("");
}

Type natural_type(const LogicalType& logical, std::string& note) {
  const Type text{Base::varchar, 0, 0, kVarchar};
  const int fraction = logical.precision;
  switch (logical.kind) {
    case TypeKind::boolean:
      return {Base::boolean};
    case TypeKind::int16:
    case TypeKind::int32:
    case TypeKind::int64:
      return {Base::number, digits_of(logical.kind), 0};
    case TypeKind::float32:
    case TypeKind::float64:
      return {Base::real};
    case TypeKind::decimal:
      if (!open_decimal(logical) && logical.scale <= kMostScale)
        return {Base::number, logical.precision, logical.scale};
      note = logical.precision < 1 ? "unconstrained numeric travels as text; map it to NUMBER(p,s) to have numbers"
                                   : "no NUMBER has this precision and scale: it travels as text";
      return text;
    case TypeKind::text:
      return logical.length > 0 && logical.length < kVarchar ? Type{Base::varchar, 0, 0, logical.length} : text;
    case TypeKind::bytes:
      return {Base::binary, 0, 0, logical.length > 0 && logical.length < kBinary ? logical.length : kBinary};
    case TypeKind::date:
      return {Base::date};
    case TypeKind::time:
    case TypeKind::timestamp:
    case TypeKind::timestamp_tz:
    case TypeKind::timestamp_offset:
      return {logical.kind == TypeKind::time        ? Base::time
              : logical.kind == TypeKind::timestamp ? Base::timestamp_ntz
                                                    : Base::timestamp_tz,
              0, fraction};
    case TypeKind::uuid:
      return {Base::varchar, 0, 0, 36};
    case TypeKind::json:
      note = "JSON travels as text; map it to VARIANT to have it parsed";
      return text;
  }
  return text;
}

// What a date, a time or a timestamp may be in Snowflake: years 1 to 9999, times before midnight.
void set_range(TypeChoice& choice) {
  constexpr std::int64_t first_day = -719162, last_day = 2932896, day = 86400LL * 1000 * 1000;
  switch (choice.carrier.kind) {
    case CarrierKind::date32:
      choice.least = first_day, choice.most = last_day;
      break;
    case CarrierKind::time64_us:
      choice.least = 0, choice.most = day - 1;
      break;
    case CarrierKind::timestamp_us:
    case CarrierKind::timestamp_us_utc:
      choice.least = first_day * day, choice.most = (last_day + 1) * day - 1;
      break;
    default:
      break;
  }
}

TypeChoice refuse(std::string why, std::string hint) {
  TypeChoice choice;
  choice.refusal = std::move(why);
  choice.hint = std::move(hint);
  return choice;
}

// Without the length, which the column has: COPY refuses what is longer than its column (TRUNCATECOLUMNS), and what a
// cast makes of it decides nothing. A length above the default is written, or the cast would have the default.
std::string cast_type(const Type& type) {
  if (type.base == Base::varchar && type.length <= kVarchar) return "VARCHAR";
  if (type.base == Base::binary && type.length <= kBinary) return "BINARY";
  return to_string(type);
}

TypeChoice accept(const Fitness& fit, const Type& type, const std::string& column) {
  TypeChoice choice;
  choice.target_type = to_string(type);
  choice.carrier = fit.carrier;
  const std::string value = "$1:" + quote_double(column);
  if (fit.around.empty()) {
    choice.load_expression = value + "::" + cast_type(type);
  } else {
    const std::string format = fit.format.empty() ? "" : ", '" + fit.format + "'";
    choice.load_expression = fit.around + "(" + value + "::VARCHAR" + format + ")" +
                             (fit.around == "PARSE_JSON" ? "::" + choice.target_type : "");
  }
  choice.note = fit.why;
  set_range(choice);
  return choice;
}

}  // namespace

TypeChoice choose_type(const LogicalType& logical, const std::string& column, const std::string& mapped,
                       const std::string& deployed) {
  if (deployed.empty() && mapped.empty()) {
    std::string note;
    const Type type = natural_type(logical, note);
    TypeChoice choice = accept(fitness(logical, type), type, column);
    choice.note = note;
    return choice;
  }
  const std::string source = pulk::to_string(logical);
  // What stands in the target decides, whatever the mapping says: its type is kept.
  const std::string& written = deployed.empty() ? mapped : deployed;
  const auto type = parse_type(written);
  if (!type) {
    if (deployed.empty())
      return refuse(
          "the mapped type " + mapped + " is none that Snowflake can be given",
          "map to VARCHAR, NUMBER(p,s), FLOAT, BINARY, DATE, TIME(n), TIMESTAMP_NTZ(n), VARIANT or another plain "
          "type");
    return refuse("the target column has the type " + deployed + ", which " + source + " cannot be loaded into",
                  "change the column's type in the target");
  }
  const Fitness fit = fitness(logical, *type);
  const std::string because = fit.why.empty() ? "" : ": " + fit.why;
  if (fit.never && !deployed.empty())
    return refuse("the target column has the type " + deployed + ", which does not hold every " + source + because,
                  "change the column's type in the target, or leave the column out by a query");
  if (deployed.empty() && (fit.never || fit.checked))
    return refuse(source + " mapped to " + mapped + " is not exact for every value" + because,
                  "map it to a type that holds every value, VARCHAR does; or convert it in a query");
  return accept(fit, *type, column);
}

}  // namespace pulk::snowflake
