#include "source/dialect/sqlite.h"

#include "catalog/identifier.h"
#include "source/dialect/clauses.h"

namespace pulk::sqlite {

std::string quote(std::string_view name) { return quote_double(name); }

std::string from_item(const SourceObject& object) {
  // The line break ends a comment that the query may end with.
  if (object.is_query()) return "(" + bare_query(object.query) + "\n)";
  return "main." + quote(object.name.table);
}

std::string file_uri(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                       c == '.' || c == '-' || c == '_' || c == '~';
    if (plain) {
      uri += c;
    } else {
      uri += '%';
      uri += kDigits[byte >> 4U];
      uri += kDigits[byte & 0xFU];
    }
  }
  return uri + "?mode=ro";
}

}  // namespace pulk::sqlite
