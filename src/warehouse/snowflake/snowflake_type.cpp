#include "warehouse/snowflake/snowflake_type.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/strings.h"

namespace pulk::snowflake {
namespace {

struct Alias {
  std::string_view name;
  Base base;
};

// The first alias of a base is its name.
constexpr Alias kAliases[] = {
    {"NUMBER", Base::number},
    {"DECIMAL", Base::number},
    {"NUMERIC", Base::number},
    {"FLOAT", Base::real},
    {"FLOAT4", Base::real},
    {"FLOAT8", Base::real},
    {"DOUBLE", Base::real},
    {"DOUBLE PRECISION", Base::real},
    {"REAL", Base::real},
    {"BOOLEAN", Base::boolean},
    {"VARCHAR", Base::varchar},
    {"TEXT", Base::varchar},
    {"STRING", Base::varchar},
    {"NVARCHAR", Base::varchar},
    {"NVARCHAR2", Base::varchar},
    {"CHAR VARYING", Base::varchar},
    {"CHARACTER VARYING", Base::varchar},
    {"BINARY", Base::binary},
    {"VARBINARY", Base::binary},
    {"DATE", Base::date},
    {"TIME", Base::time},
    {"TIMESTAMP_NTZ", Base::timestamp_ntz},
    {"TIMESTAMPNTZ", Base::timestamp_ntz},
    {"DATETIME", Base::timestamp_ntz},
    {"TIMESTAMP WITHOUT TIME ZONE", Base::timestamp_ntz},
    {"TIMESTAMP_LTZ", Base::timestamp_ltz},
    {"TIMESTAMPLTZ", Base::timestamp_ltz},
    {"TIMESTAMP WITH LOCAL TIME ZONE", Base::timestamp_ltz},
    {"TIMESTAMP_TZ", Base::timestamp_tz},
    {"TIMESTAMPTZ", Base::timestamp_tz},
    {"TIMESTAMP WITH TIME ZONE", Base::timestamp_tz},
    {"VARIANT", Base::variant},
    {"OBJECT", Base::object},
    {"ARRAY", Base::array},
    {"GEOGRAPHY", Base::geography},
    {"GEOMETRY", Base::geometry},
};

constexpr std::string_view kIntegers[] = {"INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"};
// A length of one where none is written.
constexpr std::string_view kSingle[] = {"CHAR", "CHARACTER", "NCHAR"};

bool any_of(std::string_view name, const auto& list) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

bool has_fraction(Base base) { return base >= Base::time && base <= Base::timestamp_tz; }

}  // namespace

std::optional<Type> parse_type(std::string_view text) {
  std::string name = to_upper(trim(text));
  std::vector<std::int64_t> arguments;
  if (const auto open = name.find('('); open != std::string::npos) {
    const auto close = name.find(')', open);
    if (close == std::string::npos) return std::nullopt;
    for (const std::string& piece : split(name.substr(open + 1, close - open - 1), ',')) {
      const std::string_view digits = trim(piece);
      std::int64_t value = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error != std::errc() || end != digits.data() + digits.size() || value < 0) return std::nullopt;
      arguments.push_back(value);
    }
    name = std::string(trim(name.substr(0, open))) + name.substr(close + 1);
  }
  name = std::string(trim(name));
  const auto number = [&](std::size_t i) { return static_cast<int>(std::min<std::int64_t>(arguments[i], 1000)); };
  if (any_of(name, kIntegers)) return arguments.empty() ? std::optional<Type>(Type{Base::number, 38, 0}) : std::nullopt;
  if (any_of(name, kSingle)) {
    if (arguments.size() > 1) return std::nullopt;
    return Type{Base::varchar, 0, 0, arguments.empty() ? 1 : arguments[0]};
  }
  const auto* alias =
      std::find_if(std::begin(kAliases), std::end(kAliases), [&](const Alias& a) { return a.name == name; });
  if (alias == std::end(kAliases)) return std::nullopt;
  Type type{alias->base};
  if (type.base == Base::number) {
    if (arguments.size() > 2) return std::nullopt;
    type.precision = arguments.empty() ? 38 : number(0);
    type.scale = arguments.size() == 2 ? number(1) : 0;
    if (type.precision < 1 || type.precision > 38 || type.scale > std::min(type.precision, kMostScale))
      return std::nullopt;
    return type;
  }
  if (type.base == Base::varchar || type.base == Base::binary) {
    if (arguments.size() > 1 || (arguments.size() == 1 && arguments[0] < 1)) return std::nullopt;
    type.length = !arguments.empty() ? arguments[0] : type.base == Base::varchar ? kVarchar : kBinary;
    return type;
  }
  if (has_fraction(type.base)) {
    if (arguments.size() > 1 || (arguments.size() == 1 && arguments[0] > 9)) return std::nullopt;
    type.scale = arguments.empty() ? 9 : number(0);
    return type;
  }
  return arguments.empty() ? std::optional<Type>(type) : std::nullopt;
}

std::string to_string(const Type& type) {
  const auto* alias =
      std::find_if(std::begin(kAliases), std::end(kAliases), [&](const Alias& a) { return a.base == type.base; });
  std::string name(alias->name);
  if (type.base == Base::number) name += "(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
  if (type.base == Base::varchar || type.base == Base::binary) name += "(" + std::to_string(type.length) + ")";
  if (has_fraction(type.base)) name += "(" + std::to_string(type.scale) + ")";
  return name;
}

StoredType stored_type(const Type& type) {
  switch (type.base) {
    case Base::number: return {Meaning::number, type.scale};
    case Base::real: return {Meaning::real};
    case Base::boolean: return {Meaning::boolean};
    case Base::varchar: return {Meaning::text};
    case Base::binary: return {Meaning::bytes};
    case Base::date: return {Meaning::date};
    case Base::time: return {Meaning::time};
    case Base::timestamp_ntz:
    case Base::timestamp_ltz:
    case Base::timestamp_tz: return {Meaning::moment};
    case Base::variant:
    case Base::object:
    case Base::array:
    case Base::geography:
    case Base::geometry: break;
  }
  return {Meaning::presence};
}

std::string read_expression(const Type& type, const std::string& column) {
  const std::string name = quote_double(column);
  switch (stored_type(type).meaning) {
    case Meaning::moment:
      // Cut to the second first: what EPOCH_SECOND does with a fraction before 1970 is not documented.
      return "DATE_PART(EPOCH_SECOND, DATE_TRUNC(SECOND, " + name + ")) * 1000000000 + DATE_PART(NANOSECOND, " + name + ")";
    // The driver (1.11) takes ticks of TIME(7) for microseconds.
    case Meaning::time: return name + "::TIME(9)";
    case Meaning::presence: return "IFF(" + name + " IS NULL, NULL, 1)";
    default: return name;
  }
}

}  // namespace pulk::snowflake
