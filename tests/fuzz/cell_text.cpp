// Fuzzes the strict parsers of text cells: what they take must come back as the same value from its own text.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "catalog/moment_text.h"
#include "source/odbc/cell_parser.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pulk::odbc;  // NOLINT: the parsers
  if (size < 2) return 0;
  const int precision = 1 + data[0] % 38;
  const int scale = data[1] % (precision + 1);
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (const auto value = parse_integer(text)) require(parse_integer(std::to_string(*value)) == value);
  if (const auto value = parse_real(text); value && *value == *value && *value - *value == 0) {
    const std::string fixed = shortest_fixed(*value);
    require(is_decimal_text(fixed) && parse_real(fixed) == value);
  }
  if (const auto value = parse_decimal(text, precision, scale)) require(is_decimal_text(text));
  (void)parse_zero_or_one(text);
  if (const auto value = parse_time(text)) require(*value >= 0 && *value <= 86'400'000'000);
  (void)parse_timestamp(text);
  if (const auto moment = pulk::parse_moment(text)) {
    require(moment->nanoseconds >= 0 && moment->nanoseconds < pulk::kNanosecondsPerDay);
    pulk::MomentBuffer buffer{};
    require(pulk::parse_time(pulk::write_time(buffer, moment->nanoseconds, 9)) == moment->nanoseconds);
  }
  return 0;
}
