#include "catalog/identifier.h"

#include "base/error.h"
#include "base/strings.h"

namespace pulk {

WrittenName parse_written_name(std::string_view written) {
  const std::string_view text = written;
  if (text.empty()) throw Error(ErrorKind::usage, "a name is empty");
  const char open = text.front();
  const char close = open == '[' ? ']' : open;
  if (open != '"' && open != '[' && open != '`') return {std::string(text), false};
  if (text.size() < 2 || text.back() != close)
    throw Error(ErrorKind::usage, "the quote of the name " + std::string(text) + " is not closed");
  WrittenName name;
  name.exact = true;
  const std::string_view inner = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    name.text += inner[i];
    if (inner[i] != close) continue;
    if (i + 1 >= inner.size() || inner[i + 1] != close)
      throw Error(ErrorKind::usage, "a quote inside the name " + std::string(text) + " is not doubled");
    ++i;
  }
  if (name.text.empty()) throw Error(ErrorKind::usage, "a name is empty");
  return name;
}

std::string fold(const WrittenName& written, NameRule rule) {
  if (written.exact) return written.text;
  switch (rule) {
    case NameRule::lower: return to_lower(written.text);
    case NameRule::upper: return to_upper(written.text);
    case NameRule::ignore_case: return written.text;
  }
  return written.text;
}

bool matches(const WrittenName& written, std::string_view actual, NameRule rule) {
  if (rule == NameRule::ignore_case) return iequals(written.text, actual);
  return fold(written, rule) == actual;
}

std::string quote_double(std::string_view name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string QualifiedName::display() const {
  std::string out;
  for (const std::string* part : {&database, &schema, &table}) {
    if (part->empty()) continue;
    if (!out.empty()) out += '.';
    out += *part;
  }
  return out;
}

}  // namespace pulk
