#include "http/xml_text.h"

#include <array>
#include <utility>

namespace pulk {

namespace {

constexpr std::array<std::pair<std::string_view, char>, 5> kEntities{
    {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};

std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    bool found = false;
    if (text.front() == '&') {
      for (const auto& [entity, c] : kEntities) {
        if (!text.starts_with(entity)) continue;
        out += c;
        text.remove_prefix(entity.size());
        found = true;
        break;
      }
      // ETags come with quotes written as numbers from some servers.
      if (!found && text.starts_with("&#34;")) {
        out += '"';
        text.remove_prefix(5);
        found = true;
      }
    }
    if (found) continue;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace

std::vector<std::string_view> xml_elements(std::string_view document, std::string_view tag) {
  const std::string open = "<" + std::string(tag) + ">";
  const std::string close = "</" + std::string(tag) + ">";
  std::vector<std::string_view> found;
  for (std::size_t at = document.find(open); at != document.npos; at = document.find(open, at)) {
    at += open.size();
    const std::size_t end = document.find(close, at);
    if (end == document.npos) break;
    found.push_back(document.substr(at, end - at));
    at = end;
  }
  return found;
}

std::string xml_text(std::string_view document, std::string_view tag) {
  const auto found = xml_elements(document, tag);
  return found.empty() ? "" : unescaped(found.front());
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    bool special = false;
    for (const auto& [entity, plain] : kEntities) {
      if (c != plain) continue;
      out += entity;
      special = true;
    }
    if (!special) out += c;
  }
  return out;
}

}  // namespace pulk
