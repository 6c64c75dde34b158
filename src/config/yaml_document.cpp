#include <charconv>
#include <cstdint>
#include <optional>
#include <regex>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "config/document.h"

namespace pulk {
namespace {

using nlohmann::json;

// Aliases may be nested so that a few lines stand for millions of values, or for an endless one.
constexpr int kMaxDepth = 64;
constexpr int kMaxNodes = 1'000'000;

std::string position(const std::string& file, const YAML::Mark& mark) {
  if (mark.is_null()) return file;
  return file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

template <typename T>
std::optional<T> whole_number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The core schema of YAML 1.2: yes, no, on and off are text, as in JSON-minded tools.
json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  static const std::regex integer("[-+]?[0-9]+");
  static const std::regex prefixed("0o[0-7]+|0x[0-9a-fA-F]+");
  static const std::regex floating("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  if (text.size() > 64) return text;
  if (std::regex_match(text, integer)) {
    const std::string_view digits = std::string_view(text).substr(text.front() == '+' ? 1 : 0);
    if (const auto value = whole_number<std::int64_t>(digits)) return *value;
  }
  if (std::regex_match(text, prefixed)) {
    if (const auto value = whole_number<std::int64_t>(std::string_view(text).substr(2), text[1] == 'o' ? 8 : 16)) {
      return *value;
    }
  }
  if (std::regex_match(text, floating)) {
    const std::string_view digits = std::string_view(text).substr(text.front() == '+' ? 1 : 0);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc() && end == digits.data() + digits.size()) return value;
  }
  return text;
}

class Converter {
 public:
  Converter(const std::string& file, Problems& problems) : file_(file), problems_(problems) {}

  json convert(const YAML::Node& node, const std::string& path, int depth = 0) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) {
      throw Error(ErrorKind::usage, "the document is nested too deep, or its aliases make it too large",
                  position(file_, node.Mark()));
    }
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: return nullptr;
      case YAML::NodeType::Scalar: return scalar(node);
      case YAML::NodeType::Sequence: {
        json list = json::array();
        for (const YAML::Node& item : node) list.push_back(convert(item, path_of(path, list.size()), depth + 1));
        return list;
      }
      case YAML::NodeType::Map: return map(node, path, depth);
    }
    return nullptr;
  }

 private:
  json scalar(const YAML::Node& node) const {
    const std::string& tag = node.Tag();
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return node.Scalar();  // "!" is what quotes leave
    if (tag.empty() || tag == "?") return plain_scalar(node.Scalar());
    throw Error(ErrorKind::usage, "the tag " + tag + " has no meaning here", position(file_, node.Mark()));
  }

  json map(const YAML::Node& node, const std::string& path, int depth) {
    json object = json::object();
    YAML::Node merged;
    bool has_merge = false;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        throw Error(ErrorKind::usage, "a key must be a plain word", position(file_, entry.first.Mark()));
      }
      const std::string& key = entry.first.Scalar();
      if (key == "<<" && entry.first.Tag() != "!") {
        if (has_merge) problems_.add(where_of(file_, path_of(path, key)), "the key is there twice", "write <<: [*one, *other]");
        merged.reset(entry.second);
        has_merge = true;
        continue;
      }
      const std::string inner = path_of(path, key);
      if (object.contains(key)) problems_.add(where_of(file_, inner), "the key is there twice", "remove one of the two");
      object[key] = convert(entry.second, inner, depth + 1);
    }
    if (has_merge) merge(merged, path, depth + 1, object);
    return object;
  }

  // The merge key of YAML 1.1 (yaml.org/type/merge.html): what is there already wins, and the earlier map of a list.
  void merge(const YAML::Node& from, const std::string& path, int depth, json& object) {
    if (from.IsSequence()) {
      for (const YAML::Node& one : from) {
        if (one.IsSequence()) throw_no_map(one);
        merge(one, path, depth, object);
      }
      return;
    }
    if (!from.IsMap()) throw_no_map(from);
    const json map = convert(from, path, depth);
    for (const auto& [key, value] : map.items()) object.emplace(key, value);
  }

  [[noreturn]] void throw_no_map(const YAML::Node& node) const {
    throw Error(ErrorKind::usage, "<< takes a map, or a list of maps", position(file_, node.Mark()), "write <<: *NAME");
  }

  const std::string& file_;
  Problems& problems_;
  int nodes_ = 0;
};

}  // namespace

json parse_yaml(const std::string& text, const std::string& file, Problems& problems) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.empty()) throw Error(ErrorKind::usage, "the file is empty", file);
    if (documents.size() > 1) {
      throw Error(ErrorKind::usage, "the file has " + std::to_string(documents.size()) + " documents", file,
                  "one file is one workflow: remove the lines with ---");
    }
    return Converter(file, problems).convert(documents.front(), "");
  } catch (const YAML::Exception& problem) {
    throw Error(ErrorKind::usage, problem.msg, position(file, problem.mark));
  }
}

}  // namespace pulk
