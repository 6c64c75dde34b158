#include "importer/bad_rows.h"

#include <nlohmann/json.hpp>

namespace pulk {
namespace {

constexpr std::size_t kMost = 20, kLongestValue = 60;

}  // namespace

void BadRows::add(const std::string& where, const std::string& column, const std::string& what) {
  problems_.add(column.empty() ? where : where + ": column " + column, what);
  if (problems_.list().size() < kMost) return;
  problems_.add("and perhaps more", "the files were not read further");
  throw_if_any();
}

std::string shown_value(std::string_view value) {
  std::string text(value.substr(0, kLongestValue));
  if (value.size() > kLongestValue) text += "...";
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace pulk
