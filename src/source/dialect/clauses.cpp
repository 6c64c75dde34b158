#include "source/dialect/clauses.h"

#include "base/strings.h"

namespace pulk {

std::string where_clause(const std::vector<std::string>& conditions) {
  std::string text;
  for (const std::string& condition : conditions) {
    if (trim(condition).empty()) continue;
    text += (text.empty() ? " WHERE (" : " AND (") + condition + "\n)";
  }
  return text;
}

std::string bare_query(std::string_view query) {
  while (!query.empty() && (query.back() == ';' || trim(query.substr(query.size() - 1)).empty()))
    query.remove_suffix(1);
  return std::string(trim(query));
}

}  // namespace pulk
