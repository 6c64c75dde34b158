#include "config/dotenv.h"

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/environment.h"
#include "base/error.h"
#include "base/strings.h"
#include "config/text_file.h"

namespace pulk {
namespace {

bool is_line_end(char c) { return c == '\n' || c == '\r'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }

struct Entry {
  std::string name;
  std::optional<std::string> value;  // nothing: the name stands there without "="
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::vector<Entry> run(std::vector<int>& bad_lines) {
    std::vector<Entry> all;
    while (true) {
      while (!at_end() && (is_blank(peek()) || is_line_end(peek()))) ++at_;
      if (at_end()) return all;
      const std::size_t start = at_;
      if (peek() == '#') {
        skip_line();
        continue;
      }
      Entry entry;
      if (read(entry)) {
        all.push_back(std::move(entry));
      } else {
        bad_lines.push_back(line_of(start));
        skip_line();
      }
    }
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_blanks() {
    while (is_blank(peek())) ++at_;
  }
  void skip_line() {
    while (!at_end() && !is_line_end(peek())) ++at_;
  }
  int line_of(std::size_t position) const {
    int line = 1;
    for (std::size_t i = 0; i < position; ++i)
      if (text_[i] == '\n' || (text_[i] == '\r' && (i + 1 >= text_.size() || text_[i + 1] != '\n'))) ++line;
    return line;
  }

  bool read(Entry& entry) {
    constexpr std::string_view kExport = "export";
    if (text_.substr(at_).starts_with(kExport) && at_ + kExport.size() < text_.size() &&
        is_blank(text_[at_ + kExport.size()])) {
      at_ += kExport.size();
      skip_blanks();
    }
    if (!read_name(entry.name)) return false;
    skip_blanks();
    if (peek() == '=' && !at_end()) {
      ++at_;
      skip_blanks();
      std::string value;
      if (!read_value(value)) return false;
      entry.value = std::move(value);
    }
    skip_blanks();
    if (peek() == '#') skip_line();
    return at_end() || is_line_end(peek());
  }

  bool read_name(std::string& name) {
    if (peek() == '\'') {
      const std::size_t end = text_.find('\'', at_ + 1);
      if (end == std::string_view::npos || end == at_ + 1) return false;
      name = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return true;
    }
    const std::size_t start = at_;
    while (!at_end() && peek() != '=' && peek() != '#' && !is_blank(peek()) && !is_line_end(peek())) ++at_;
    name = text_.substr(start, at_ - start);
    return !name.empty();
  }

  bool read_value(std::string& value) {
    if (peek() == '\'') return read_quoted('\'', "\\'", value);
    if (peek() == '"') return read_quoted('"', "\\'\"abfnrtv", value);
    const std::size_t start = at_;
    skip_line();
    value = text_.substr(start, at_ - start);
    // A comment begins at a "#" behind a blank.
    for (std::size_t i = 1; i < value.size(); ++i)
      if (value[i] == '#' && is_blank(value[i - 1])) {
        value.resize(i);
        break;
      }
    while (!value.empty() && is_blank(value.back())) value.pop_back();
    return true;
  }

  bool read_quoted(char quote, std::string_view escapes, std::string& value) {
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == quote) {
        at_ = i + 1;
        return true;
      }
      if (c == '\\' && i + 1 < text_.size() && escapes.find(text_[i + 1]) != std::string_view::npos)
        value += unescaped(text_[++i]);
      else
        value += c;
    }
    return false;
  }

  static char unescaped(char c) {
    constexpr std::string_view kNames = "abfnrtv", kValues = "\a\b\f\n\r\t\v";
    const std::size_t at = kNames.find(c);
    return at == std::string_view::npos ? c : kValues[at];
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// `${NAME}` and `${NAME:-default}`; whatever else has a dollar sign stays as it is.
std::string expand(const std::string& text, const std::function<std::optional<std::string>(const std::string&)>& look) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = text.find("${", at);
    const std::size_t close = open == std::string::npos ? open : text.find('}', open);
    if (close == std::string::npos) break;
    out += text.substr(at, open - at);
    std::string name = text.substr(open + 2, close - open - 2), otherwise;
    if (const std::size_t colon = name.find(":-"); colon != std::string::npos) {
      otherwise = name.substr(colon + 2);
      name.resize(colon);
    }
    if (name.find(':') != std::string::npos)
      out += text.substr(open, close - open + 1);
    else
      out += look(name).value_or(otherwise);
    at = close + 1;
  }
  return out + text.substr(at);
}

}  // namespace

Dotenv parse_dotenv(std::string_view text,
                    const std::function<std::optional<std::string>(const std::string&)>& outside) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Dotenv result;
  std::map<std::string, std::string> so_far;
  const auto look = [&](const std::string& name) -> std::optional<std::string> {
    if (const auto value = outside(name)) return value;
    const auto found = so_far.find(name);
    return found == so_far.end() ? std::nullopt : std::optional(found->second);
  };
  for (const Entry& entry : Parser(text).run(result.bad_lines)) {
    if (!entry.value) continue;
    const std::string value = expand(*entry.value, look);
    so_far[entry.name] = value;
    result.values.emplace_back(entry.name, value);
  }
  return result;
}

std::string find_dotenv() {
  namespace fs = std::filesystem;
  std::error_code why;
  for (fs::path folder = fs::current_path(why); !why; folder = folder.parent_path()) {
    if (fs::is_regular_file(folder / ".env", why)) return (folder / ".env").string();
    why.clear();
    if (folder == folder.parent_path()) break;
  }
  return "";
}

std::vector<std::string> load_dotenv(const std::string& path) {
  namespace fs = std::filesystem;
  std::vector<std::string> warnings;
  const Dotenv file = parse_dotenv(read_text_file(path, "name a file that is there"),
                                   [](const std::string& name) -> std::optional<std::string> {
                                     return in_environment(name) ? std::optional(environment(name)) : std::nullopt;
                                   });
  std::map<std::string, std::string> last;
  for (const auto& [name, value] : file.values) last[name] = value;
  for (const auto& [name, value] : last) ::setenv(name.c_str(), value.c_str(), 0);
  for (const int line : file.bad_lines)
    warnings.push_back(path + ":" + std::to_string(line) + ": not NAME=VALUE, skipped");
  std::error_code why;
  const fs::perms perms = fs::status(path, why).permissions();
  if (!why && (perms & fs::perms::others_read) != fs::perms::none)
    warnings.push_back(path + " can be read by everybody on this machine; chmod 600 " + path);
  return warnings;
}

}  // namespace pulk
