#include "catalog/logical_type.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "base/strings.h"

namespace pulk {

namespace {

constexpr std::array<std::pair<TypeKind, std::string_view>, 16> kTypeNames = {{
    {TypeKind::boolean, "boolean"},     {TypeKind::int16, "int16"},
    {TypeKind::int32, "int32"},         {TypeKind::int64, "int64"},
    {TypeKind::float32, "float32"},     {TypeKind::float64, "float64"},
    {TypeKind::decimal, "decimal"},     {TypeKind::text, "text"},
    {TypeKind::bytes, "bytes"},         {TypeKind::date, "date"},
    {TypeKind::time, "time"},           {TypeKind::timestamp, "timestamp"},
    {TypeKind::timestamp_tz, "timestamp_tz"}, {TypeKind::timestamp_offset, "timestamp_offset"},
    {TypeKind::uuid, "uuid"},
    {TypeKind::json, "json"},
}};

constexpr std::array<std::pair<CarrierKind, std::string_view>, 17> kCarrierNames = {{
    {CarrierKind::boolean, "boolean"},       {CarrierKind::int16, "int16"},
    {CarrierKind::int32, "int32"},           {CarrierKind::int64, "int64"},
    {CarrierKind::float32, "float32"},       {CarrierKind::float64, "float64"},
    {CarrierKind::decimal128, "decimal128"}, {CarrierKind::utf8, "utf8"},
    {CarrierKind::binary, "binary"},         {CarrierKind::date32, "date32"},
    {CarrierKind::time64_us, "time64_us"},   {CarrierKind::timestamp_us, "timestamp_us"},
    {CarrierKind::timestamp_us_utc, "timestamp_us_utc"}, {CarrierKind::uuid, "uuid"},
    {CarrierKind::json, "json"},             {CarrierKind::time64_ns, "time64_ns"},
    {CarrierKind::timestamp_ns, "timestamp_ns"},
}};

template <typename Table, typename Kind>
std::string_view name_of(const Table& table, Kind kind) {
  for (const auto& [k, name] : table)
    if (k == kind) return name;
  return "?";
}

// "name(a,b)" -> name, a, b; missing numbers are 0.
struct Parsed {
  std::string_view name;
  std::int64_t a = 0, b = 0;
};
std::optional<Parsed> take_apart(std::string_view text) {
  Parsed parsed;
  const auto open = text.find('(');
  parsed.name = text.substr(0, open);
  if (open == std::string_view::npos) return parsed;
  if (text.back() != ')') return std::nullopt;
  const std::string_view inner = text.substr(open + 1, text.size() - open - 2);
  const auto comma = inner.find(',');
  const auto number = [](std::string_view digits, std::int64_t& out) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (!number(inner.substr(0, comma), parsed.a)) return std::nullopt;
  if (comma != std::string_view::npos && !number(inner.substr(comma + 1), parsed.b)) return std::nullopt;
  return parsed;
}

}  // namespace

std::string to_string(const LogicalType& type) {
  const std::string_view name = name_of(kTypeNames, type.kind);
  switch (type.kind) {
    case TypeKind::decimal:
      return type.precision > 0 ? fmt::format("{}({},{})", name, type.precision, type.scale) : std::string(name);
    case TypeKind::text:
    case TypeKind::bytes:
      return type.length > 0 ? fmt::format("{}({})", name, type.length) : std::string(name);
    case TypeKind::time:
    case TypeKind::timestamp:
    case TypeKind::timestamp_tz:
    case TypeKind::timestamp_offset:
      return fmt::format("{}({})", name, type.precision);
    default:
      return std::string(name);
  }
}

std::optional<LogicalType> parse_logical_type(std::string_view text) {
  const auto parsed = take_apart(text);
  if (!parsed) return std::nullopt;
  for (const auto& [kind, name] : kTypeNames) {
    if (name != parsed->name) continue;
    LogicalType type{kind, 0, 0, 0};
    if (kind == TypeKind::text || kind == TypeKind::bytes) type.length = parsed->a;
    else type.precision = static_cast<int>(parsed->a);
    type.scale = static_cast<int>(parsed->b);
    return type;
  }
  return std::nullopt;
}

std::string to_string(const Carrier& carrier) {
  const std::string_view name = name_of(kCarrierNames, carrier.kind);
  if (carrier.kind == CarrierKind::decimal128) return fmt::format("{}({},{})", name, carrier.precision, carrier.scale);
  return std::string(name);
}

std::optional<Carrier> parse_carrier(std::string_view text) {
  const auto parsed = take_apart(text);
  if (!parsed) return std::nullopt;
  for (const auto& [kind, name] : kCarrierNames)
    if (name == parsed->name) return Carrier{kind, static_cast<int>(parsed->a), static_cast<int>(parsed->b)};
  return std::nullopt;
}

Carrier natural_carrier(const LogicalType& type) {
  switch (type.kind) {
    case TypeKind::boolean: return {CarrierKind::boolean};
    case TypeKind::int16: return {CarrierKind::int16};
    case TypeKind::int32: return {CarrierKind::int32};
    case TypeKind::int64: return {CarrierKind::int64};
    case TypeKind::float32: return {CarrierKind::float32};
    case TypeKind::float64: return {CarrierKind::float64};
    case TypeKind::decimal:
      if (type.precision < 1 || type.precision > 38) return {CarrierKind::utf8};
      return {CarrierKind::decimal128, type.precision, type.scale};
    case TypeKind::text: return {CarrierKind::utf8};
    case TypeKind::bytes: return {CarrierKind::binary};
    case TypeKind::date: return {CarrierKind::date32};
    case TypeKind::time: return {type.precision > 6 ? CarrierKind::time64_ns : CarrierKind::time64_us};
    case TypeKind::timestamp: return {type.precision > 6 ? CarrierKind::utf8 : CarrierKind::timestamp_us};
    case TypeKind::timestamp_tz: return {type.precision > 6 ? CarrierKind::utf8 : CarrierKind::timestamp_us_utc};
    case TypeKind::timestamp_offset: return {CarrierKind::utf8};
    case TypeKind::uuid: return {CarrierKind::uuid};
    case TypeKind::json: return {CarrierKind::json};
  }
  return {CarrierKind::utf8};
}

int fixed_width(const Carrier& carrier) {
  switch (carrier.kind) {
    case CarrierKind::boolean: return 1;
    case CarrierKind::int16: return 2;
    case CarrierKind::int32:
    case CarrierKind::float32:
    case CarrierKind::date32: return 4;
    case CarrierKind::int64:
    case CarrierKind::float64:
    case CarrierKind::time64_us:
    case CarrierKind::time64_ns:
    case CarrierKind::timestamp_ns:
    case CarrierKind::timestamp_us:
    case CarrierKind::timestamp_us_utc: return 8;
    case CarrierKind::decimal128:
    case CarrierKind::uuid: return 16;
    case CarrierKind::utf8:
    case CarrierKind::binary:
    case CarrierKind::json: return 0;
  }
  return 0;
}

}  // namespace pulk
