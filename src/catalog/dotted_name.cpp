#include "catalog/dotted_name.h"

#include <string>

#include "base/error.h"

namespace pulk {

std::vector<WrittenName> parse_dotted_name(std::string_view written) {
  std::vector<std::string> parts(1);
  char close = '\0';  // of the quote that is open; a doubled one closes and opens again
  for (const char c : written) {
    if (close != '\0') {
      if (c == close) close = '\0';
    } else if (c == '.') {
      parts.emplace_back();
      continue;
    } else if (c == '"' || c == '`') {
      close = c;
    } else if (c == '[') {
      close = ']';
    }
    parts.back() += c;
  }
  if (parts.size() > 3)
    throw Error(ErrorKind::usage, "\"" + std::string(written) + "\" has more than three names", "",
                "write TABLE, SCHEMA.TABLE or DATABASE.SCHEMA.TABLE");
  std::vector<WrittenName> names;
  for (const std::string& part : parts) names.push_back(parse_written_name(part));
  return names;
}

}  // namespace pulk
