#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "source/postgres/cut.h"

namespace pulk::postgres {
namespace {

constexpr std::size_t readable_value = 40;

std::string shown(const std::string& value) {
  if (value.size() <= readable_value) return value;
  std::size_t end = readable_value;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return value.substr(0, end) + "...";
}

std::string shown(const KeyValues& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) parts.push_back(shown(value));
  return parts.size() == 1 ? parts[0] : "(" + join(parts, ", ") + ")";
}

std::string shown_names(const std::vector<std::string>& names) {
  return names.size() == 1 ? names[0] : "(" + join(names, ", ") + ")";
}

std::string range_text(const std::string& key, const Boundary* lower, const Boundary* upper) {
  if (lower == nullptr && upper == nullptr) return key + " is not null";
  if (lower == nullptr) return key + " < " + shown(upper->values);
  if (upper == nullptr) return key + " >= " + shown(lower->values);
  return key + " in [" + shown(lower->values) + ", " + shown(upper->values) + ")";
}

}  // namespace

bool KeyColumns::any_nullable() const { return std::find(nullable.begin(), nullable.end(), true) != nullable.end(); }

std::string KeyColumns::list() const {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back(quote_double(name));
  return join(quoted, ", ");
}

// IS [NOT] NULL would ask the fields of a row type: a row of NULLs and values is neither.
std::string KeyColumns::not_null() const {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (nullable[i]) parts.push_back(quote_double(names[i]) + " IS DISTINCT FROM NULL");
  }
  return join(parts, " AND ");
}

std::string KeyColumns::any_null() const {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (nullable[i]) parts.push_back(quote_double(names[i]) + " IS NOT DISTINCT FROM NULL");
  }
  return join(parts, " OR ");
}

std::string KeyColumns::compare(const char* op, const KeyValues& values) const {
  std::vector<std::string> literals;
  for (std::size_t i = 0; i < names.size(); ++i) literals.push_back(sql_literal(values[i]) + "::" + types[i]);
  if (names.size() == 1) return list() + " " + op + " " + literals[0];
  return "(" + list() + ") " + op + " (" + join(literals, ", ") + ")";
}

std::vector<PartitionPlan> key_partitions(const KeyColumns& key, const std::vector<Boundary>& boundaries,
                                          std::int64_t rows, std::int64_t null_rows, double bytes_per_row,
                                          bool sampled_limit) {
  std::vector<PartitionPlan> parts;
  const auto bytes = [&](std::int64_t count) {
    return bytes_per_row < 0 ? -1 : static_cast<std::int64_t>(std::llround(static_cast<double>(count) * bytes_per_row));
  };
  for (std::size_t i = 0; i <= boundaries.size(); ++i) {
    const Boundary* lower = i == 0 ? nullptr : &boundaries[i - 1];
    const Boundary* upper = i == boundaries.size() ? nullptr : &boundaries[i];
    std::vector<std::string> conditions;
    if (key.any_nullable()) conditions.push_back(key.not_null());
    if (lower != nullptr) conditions.push_back(key.compare(">=", lower->values));
    if (upper != nullptr) conditions.push_back(key.compare("<", upper->values));
    PartitionPlan part;
    part.kind = PartitionKind::key_range;
    part.predicate = join(conditions, " AND ");
    part.display = range_text(shown_names(key.names), lower, upper);
    if (sampled_limit) part.display += " (size from a sample)";
    part.rows_estimate = (upper == nullptr ? rows : upper->rows_below) - (lower == nullptr ? 0 : lower->rows_below);
    part.bytes_estimate = bytes(part.rows_estimate);
    parts.push_back(std::move(part));
  }
  if (key.any_nullable()) {
    PartitionPlan part;
    part.kind = PartitionKind::key_null;
    part.predicate = key.any_null();
    std::vector<std::string> names;
    for (std::size_t i = 0; i < key.names.size(); ++i) {
      if (key.nullable[i]) names.push_back(key.names[i]);
    }
    part.display = join(names, " or ") + " is null";
    part.rows_estimate = null_rows;
    part.bytes_estimate = bytes(null_rows);
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace pulk::postgres
