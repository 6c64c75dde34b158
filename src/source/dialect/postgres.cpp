#include "source/dialect/postgres.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace pulk::postgres {

std::string qualified(const QualifiedName& name) {
  return name.schema.empty() ? quote_double(name.table) : quote_double(name.schema) + "." + quote_double(name.table);
}

namespace {

// Only white space and comments, as behind the last statement of a file.
bool says_nothing(std::string_view text) {
  for (text = trim(text); !text.empty(); text = trim(text)) {
    if (text.starts_with("--")) {
      const std::size_t end = text.find('\n');
      text = end == std::string_view::npos ? std::string_view() : text.substr(end);
    } else if (text.starts_with("/*")) {
      const std::size_t end = text.find("*/");
      if (end == std::string_view::npos) return false;
      text.remove_prefix(end + 2);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

// A semicolon that only comments follow ends the query wherever it stands: within a string or a name something else
// would follow it.
std::string bare_query(std::string_view query) {
  while (true) {
    const std::size_t last = query.rfind(';');
    if (last == std::string_view::npos || !says_nothing(query.substr(last + 1))) return std::string(trim(query));
    query = query.substr(0, last);
  }
}

std::string from_item(const SourceObject& object, const std::vector<std::string>& columns) {
  if (!object.is_query()) return qualified(object.name);
  std::string text = "(" + bare_query(object.query) + "\n) AS q";
  if (columns.empty()) return text;
  std::vector<std::string> quoted;
  for (const std::string& column : columns) quoted.push_back(quote_double(column));
  return text + "(" + join(quoted, ", ") + ")";
}

std::string array_literal(const std::vector<std::string>& elements) { return "{" + join(elements, ",") + "}"; }

bool condition_is_timeless(std::string_view condition) {
  static constexpr std::array calm = {"and", "or", "not", "in", "any", "all", "between", "like", "ilike", "is"};
  static constexpr std::array moving = {"select", "now",       "today",          "yesterday",    "tomorrow",    "user",
                                        "random", "localtime", "localtimestamp", "session_user", "current_user"};
  const auto in = [](const auto& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '"' || static_cast<signed char>(c) < 0;
  };
  const std::string text = to_lower(condition);
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    if (is_word(c)) {
      word += c;
      continue;
    }
    if (in(moving, word) || word.starts_with("current_")) return false;
    const std::size_t next = text.find_first_not_of(" \t\r\n", i);
    const bool called = !word.empty() && next != std::string::npos && text[next] == '(';
    if (called && !in(calm, word)) return false;
    word.clear();
  }
  // An operator may be anybody's function.
  return text.find("operator") == std::string::npos && text.find("--") == std::string::npos &&
         text.find("/*") == std::string::npos;
}

}  // namespace pulk::postgres
