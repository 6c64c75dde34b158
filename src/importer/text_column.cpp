#include "importer/text_column.h"

#include <arrow/api.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "catalog/arrow_schema.h"
#include "catalog/moment_text.h"

namespace pulk {
namespace {

using snowflake::Base;
using snowflake::Type;

constexpr std::int32_t kFirstDay = -719162;  // 0001-01-01

void check(const arrow::Status& status) {
  if (status.ok()) return;
  if (status.IsOutOfMemory()) throw Error(ErrorKind::retryable, "out of memory: " + status.message());
  throw Error(ErrorKind::internal, status.ToString());
}

// Take: std::string (const TextCell&, const Type&, T& value); the result is why not.
template <typename Builder, typename T, auto Take>
class Column : public TextColumn {
 public:
  Column(const ColumnPlan& plan, const Type& type, arrow::MemoryPool* pool)
      : TextColumn(plan.nullable), type_(type), builder_(arrow_type(plan.carrier), pool) {}
  std::shared_ptr<arrow::Array> finish() override {
    std::shared_ptr<arrow::Array> array;
    check(builder_.Finish(&array));
    bytes_ = 0;
    return array;
  }

 protected:
  std::string append(const TextCell& cell) override {
    T value{};
    if (std::string why = Take(cell, type_, value); !why.empty()) return why;
    check(builder_.Append(value));
    if constexpr (std::is_same_v<T, std::string>)
      bytes_ += static_cast<std::int64_t>(value.size()) + 4;
    else
      bytes_ += static_cast<std::int64_t>(sizeof value);
    return "";
  }
  void append_null() override { check(builder_.AppendNull()); }

 private:
  const Type type_;
  Builder builder_;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// [+-] digits with a point, and an exponent.
bool is_number(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  bool digits = false, point = false;
  std::size_t at = 0;
  for (; at < text.size() && (is_digit(text[at]) || text[at] == '.'); ++at) {
    if (text[at] == '.') {
      if (point) return false;
      point = true;
    } else {
      digits = true;
    }
  }
  if (!digits) return false;
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  text.remove_prefix(at + 1);
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.size() < 6 && std::all_of(text.begin(), text.end(), is_digit);
}

std::string take_number(const TextCell& cell, const Type& type, arrow::Decimal128& value) {
  if (!is_number(cell.text)) return "is no number";
  const std::string unfit = "has more digits than " + to_string(type) + " holds";
  std::string_view mantissa = cell.text;
  const bool negative = mantissa.starts_with('-');
  if (negative || mantissa.starts_with('+')) mantissa.remove_prefix(1);
  const auto e = mantissa.find_first_of("eE");
  int exponent = 0;
  if (e != std::string_view::npos) {
    const std::string_view written = mantissa.substr(mantissa[e + 1] == '+' ? e + 2 : e + 1);
    std::from_chars(written.data(), written.data() + written.size(), exponent);
    mantissa = mantissa.substr(0, e);
  }
  // The digits that count, and how many of them are behind the point.
  std::string digits;
  int behind = -exponent;
  bool point = false;
  for (const char c : mantissa) {
    if (c == '.') {
      point = true;
      continue;
    }
    if (point) ++behind;
    if (c != '0' || !digits.empty()) digits += c;
  }
  if (digits.empty()) {
    value = {};
    return "";
  }
  for (; behind > type.scale && digits.ends_with('0'); --behind) digits.pop_back();
  if (behind > type.scale) return unfit;
  const auto zeros = static_cast<std::size_t>(type.scale - behind);
  if (digits.size() + zeros > static_cast<std::size_t>(type.precision)) return unfit;
  digits.append(zeros, '0');
  const auto parsed = arrow::Decimal128::FromString((negative ? "-" : "") + digits);
  check(parsed.status());
  value = *parsed;
  return "";
}

std::string take_real(const TextCell& cell, const Type&, double& value) {
  std::string_view text = cell.text;
  const std::string lower = to_lower(text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text);
  const double sign = text.starts_with('-') ? -1 : 1;
  if (lower == "inf" || lower == "infinity") {
    value = sign * std::numeric_limits<double>::infinity();
    return "";
  }
  if (to_lower(text) == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
    return "";
  }
  if (!is_number(text)) return "is no number";
  if (text.starts_with('+')) text.remove_prefix(1);
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
    return "is outside of what FLOAT holds";
  return "";
}

std::string take_boolean(const TextCell& cell, const Type&, bool& value) {
  const std::string text = to_lower(cell.text);
  for (const char* yes : {"true", "t", "yes", "y", "on", "1"})
    if (text == yes) {
      value = true;
      return "";
    }
  for (const char* no : {"false", "f", "no", "n", "off", "0"})
    if (text == no) {
      value = false;
      return "";
    }
  return "is neither true nor false";
}

std::string take_date(const TextCell& cell, const Type&, std::int32_t& value) {
  const auto day = parse_date(cell.text);
  if (!day || *day < kFirstDay) return "is no date like 2026-11-21";
  value = *day;
  return "";
}

std::int64_t power_of_ten(int exponent) {
  std::int64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

std::string finer(const Type& type) { return "has finer digits than " + to_string(type) + " holds"; }

std::string parse_clock(const TextCell& cell, const Type& type, std::int64_t& nanoseconds) {
  const auto parsed = parse_time(cell.text);
  if (!parsed) return "is no time like 18:00:02.424560";
  if (*parsed % power_of_ten(9 - type.scale) != 0) return finer(type);
  nanoseconds = *parsed;
  return "";
}

std::string take_time(const TextCell& cell, const Type& type, std::int64_t& value) {
  std::int64_t nanoseconds = 0;
  std::string why = parse_clock(cell, type, nanoseconds);
  value = nanoseconds / 1000;
  return why;
}

std::string take_fine_time(const TextCell& cell, const Type& type, std::string& value) {
  std::int64_t nanoseconds = 0;
  std::string why = parse_clock(cell, type, nanoseconds);
  MomentBuffer buffer;
  if (why.empty()) value = write_time(buffer, nanoseconds, 9);
  return why;
}

std::string take_moment(const TextCell& cell, const Type& type, std::string& value) {
  const bool instant = type.base != Base::timestamp_ntz;
  auto moment = parse_moment(cell.text);
  if (!moment)
    if (const auto day = parse_date(cell.text)) moment = ParsedMoment{*day, 0, std::nullopt};
  if (!moment || moment->day < kFirstDay)
    return instant ? "is no moment like 2026-11-21 18:00:02.424560 +01:00"
                   : "is no moment like 2026-11-21 18:00:02.424560";
  if (instant && !moment->offset_minutes)
    return "has no offset, like +01:00 or Z, and " + to_string(type) + " needs one";
  if (!instant && moment->offset_minutes) return "has an offset, which " + to_string(type) + " does not hold";
  if (moment->nanoseconds % power_of_ten(9 - type.scale) != 0) return finer(type);
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{moment->day}}};
  MomentBuffer buffer;
  value = write_moment(buffer,
                       {static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                        static_cast<unsigned>(date.day()), moment->nanoseconds, moment->offset_minutes},
                       9);
  return "";
}

std::string take_text(const TextCell& cell, const Type& type, std::string& value) {
  const auto characters = std::count_if(cell.text.begin(), cell.text.end(),
                                        [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
  if (type.base == Base::varchar && characters > type.length) return "is longer than " + to_string(type) + " holds";
  value = cell.text;
  return "";
}

std::string take_bytes(const TextCell& cell, const Type& type, std::string& value) {
  const auto digit = [](char c) {
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (cell.text.size() % 2 != 0) return "is no row of hex digits, two for each byte";
  for (std::size_t at = 0; at < cell.text.size(); at += 2) {
    const int high = digit(cell.text[at]), low = digit(cell.text[at + 1]);
    if (high < 0 || low < 0) return "is no row of hex digits, two for each byte";
    value += static_cast<char>(high * 16 + low);
  }
  if (static_cast<std::int64_t>(value.size()) > type.length) return "is longer than " + to_string(type) + " holds";
  return "";
}

std::string take_json(const TextCell& cell, const Type& type, std::string& value) {
  value = cell.json_string ? nlohmann::json(std::string(cell.text)).dump() : std::string(cell.text);
  if (!cell.json_string && !nlohmann::json::accept(value)) return "is no JSON";
  const char first = trim(value).front();
  if (type.base == Base::object && first != '{') return "is no JSON object";
  if (type.base == Base::array && first != '[') return "is no JSON array";
  return "";
}

}  // namespace

std::string TextColumn::take(const TextCell& cell) {
  if (cell.null) {
    append_null();
    return nullable_ ? "" : "is NULL, and the column is NOT NULL";
  }
  std::string why = append(cell);
  if (!why.empty()) append_null();
  return why;
}

std::unique_ptr<TextColumn> make_text_column(const ColumnPlan& plan, const Type& type, arrow::MemoryPool* pool) {
  const auto made = [&]<typename Made>(std::type_identity<Made>) { return std::make_unique<Made>(plan, type, pool); };
  switch (type.base) {
    case Base::number:
      return made(std::type_identity<Column<arrow::Decimal128Builder, arrow::Decimal128, take_number>>{});
    case Base::real:
      return made(std::type_identity<Column<arrow::DoubleBuilder, double, take_real>>{});
    case Base::boolean:
      return made(std::type_identity<Column<arrow::BooleanBuilder, bool, take_boolean>>{});
    case Base::binary:
      return made(std::type_identity<Column<arrow::BinaryBuilder, std::string, take_bytes>>{});
    case Base::date:
      return made(std::type_identity<Column<arrow::Date32Builder, std::int32_t, take_date>>{});
    case Base::time:
      if (plan.carrier.kind == CarrierKind::time64_us)
        return made(std::type_identity<Column<arrow::Time64Builder, std::int64_t, take_time>>{});
      return made(std::type_identity<Column<arrow::StringBuilder, std::string, take_fine_time>>{});
    case Base::timestamp_ntz:
    case Base::timestamp_ltz:
    case Base::timestamp_tz:
      return made(std::type_identity<Column<arrow::StringBuilder, std::string, take_moment>>{});
    case Base::variant:
    case Base::object:
    case Base::array:
      return made(std::type_identity<Column<arrow::StringBuilder, std::string, take_json>>{});
    case Base::varchar:
    case Base::geography:
    case Base::geometry:
      return made(std::type_identity<Column<arrow::StringBuilder, std::string, take_text>>{});
  }
  throw Error(ErrorKind::internal, "no column of text for a type");
}

}  // namespace pulk
