#include "config/document.h"

#include <algorithm>
#include <cctype>

#include "base/strings.h"
#include "config/text_file.h"

namespace pulk {

std::string path_of(std::string_view parent, std::string_view key) {
  const bool plain = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '$';
  });
  std::string path(parent);
  if (!plain) {
    using nlohmann::json;
    return path + "[" + json(std::string(key)).dump(-1, ' ', false, json::error_handler_t::replace) + "]";
  }
  if (!path.empty()) path += '.';
  return path.append(key);
}

std::string path_of(std::string_view parent, std::size_t index) {
  return std::string(parent) + "[" + std::to_string(index) + "]";
}

std::string where_of(std::string_view file, std::string_view path) {
  std::string where(file);
  if (!path.empty()) where.append(":").append(path);
  return where;
}

nlohmann::json read_document(const std::string& path, const std::string& format, Problems& problems) {
  const std::string text = read_text_file(path, "`pulk schema " + format + "` prints what belongs into it");
  if (trim(text).empty()) throw Error(ErrorKind::usage, "the file is empty", path);
  const std::string lower = to_lower(path);
  if (lower.ends_with(".yaml") || lower.ends_with(".yml")) return parse_yaml(text, path, problems);
  return parse_json(text, path, problems);
}

}  // namespace pulk
