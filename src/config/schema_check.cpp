#include "config/schema_check.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <regex>
#include <set>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "config/document.h"

namespace pulk {
namespace {

using nlohmann::json;

const std::set<std::string>& known_keywords() {
  static const std::set<std::string> keywords{
      "$schema",    "$defs",     "$ref",          "title",         "description", "default",
      "examples",   "type",      "enum",          "properties",    "required",    "additionalProperties",
      "items",      "oneOf",     "minimum",       "maximum",       "minItems",    "minLength",
      "minProperties", "maxProperties", "pattern"};
  return keywords;
}

bool is_integer(const json& value) {
  if (value.is_number_integer()) return true;
  // 5.0 is an integer for JSON Schema.
  return value.is_number_float() && std::isfinite(value.get<double>()) &&
         value.get<double>() == std::trunc(value.get<double>());
}

bool has_type(const json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "integer") return is_integer(value);
  throw Error(ErrorKind::internal, "the schema uses the type " + std::string(type));
}

std::string_view with_article(std::string_view type) {
  if (type == "object") return "an object";
  if (type == "array") return "a list";
  if (type == "string") return "a string";
  if (type == "boolean") return "true or false";
  if (type == "integer") return "a whole number";
  return "null";
}

std::string describe(const json& value) {
  if (value.is_null()) return "null";
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "the string " + show_value(value);
  return show_value(value);
}

std::vector<std::string> types_of(const json& schema) {
  const auto type = schema.find("type");
  if (type == schema.end()) return {};
  if (type->is_string()) return {type->get<std::string>()};
  return type->get<std::vector<std::string>>();
}

bool fits_type(const json& value, const std::vector<std::string>& types) {
  return types.empty() || std::any_of(types.begin(), types.end(), [&](const auto& t) { return has_type(value, t); });
}

// "a string, a whole number or an object": null goes without saying.
std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::string expected_types(const std::vector<std::string>& types) {
  std::vector<std::string> words;
  for (const std::string& type : types) {
    if (type != "null" || types.size() == 1) words.emplace_back(with_article(type));
  }
  return alternatives(words);
}

std::vector<std::string> keys_of(const json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, unused] : object.items()) keys.push_back(key);
  return keys;
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

class Checker {
 public:
  Checker(const json& root, const std::string& file, Problems& problems)
      : root_(root), file_(file), problems_(problems) {}

  // `outer_hint` is the description that stood beside a $ref.
  void check(const json& value, const json& schema, const std::string& path, const std::string& outer_hint = "") {
    for (const auto& [keyword, unused] : schema.items()) {
      if (!known_keywords().contains(keyword)) {
        throw Error(ErrorKind::internal, "the schema uses the keyword " + keyword, path);
      }
    }
    const std::string hint = !outer_hint.empty() ? outer_hint : schema.value("description", "");
    const auto types = types_of(schema);
    if (!fits_type(value, types)) {
      add(path, "must be " + expected_types(types) + ", not " + describe(value), hint);
      return;
    }
    if (schema.contains("oneOf")) return check_one_of(value, schema, path, hint);
    if (schema.contains("enum") && !check_enum(value, schema.at("enum"), path, hint)) return;
    if (value.is_string()) check_string(value.get_ref<const std::string&>(), schema, path, hint);
    if (value.is_number()) check_number(value, schema, path, hint);
    if (value.is_array()) check_array(value, schema, path, hint);
    if (value.is_object()) check_object(value, schema, path, hint);
    if (schema.contains("$ref")) check(value, resolve(schema), path, hint);
  }

 private:
  void add(const std::string& path, std::string what, std::string hint = "") {
    problems_.add(where_of(file_, path), std::move(what), std::move(hint));
  }

  const json& resolve(const json& schema) const {
    const auto& reference = schema.at("$ref").get_ref<const std::string&>();
    return root_.at(json::json_pointer(reference.substr(1)));
  }

  // pulk's alternatives differ by type, so that the one that was meant is known and can be explained.
  void check_one_of(const json& value, const json& schema, const std::string& path, const std::string& hint) {
    std::vector<std::string> types;
    for (const json& branch : schema.at("oneOf")) {
      const auto own = types_of(branch);
      if (own.empty()) throw Error(ErrorKind::internal, "a oneOf of the schema has a branch without a type", path);
      if (fits_type(value, own)) return check(value, branch, path, branch.value("description", hint));
      types.insert(types.end(), own.begin(), own.end());
    }
    add(path, "must be " + expected_types(types) + ", not " + describe(value), hint);
  }

  bool check_enum(const json& value, const json& choices, const std::string& path, const std::string& hint) {
    std::vector<std::string> words;
    std::vector<std::string> shown;
    for (const json& choice : choices) {
      if (choice == value) return true;
      if (!choice.is_string()) continue;
      words.push_back(choice.get<std::string>());
      shown.push_back(choice.dump());
    }
    const auto guess = value.is_string() ? did_you_mean(value.get_ref<const std::string&>(), words) : std::nullopt;
    add(path, show_value(value) + " is not " + alternatives(shown), guess ? "did you mean \"" + *guess + "\"?" : hint);
    return false;
  }

  void check_string(const std::string& text, const json& schema, const std::string& path, const std::string& hint) {
    if (characters(text) < schema.value("minLength", std::size_t{0})) return add(path, "must not be empty", hint);
    if (!schema.contains("pattern")) return;
    const std::regex pattern(schema.at("pattern").get_ref<const std::string&>(), std::regex::ECMAScript);
    // std::regex recurses per character.
    if (text.size() <= 1000 && std::regex_search(text, pattern)) return;
    std::vector<std::string> examples;
    for (const json& example : schema.value("examples", json::array())) examples.push_back(example.dump());
    add(path, show_value(text) + " does not have the form of " + alternatives(examples), hint);
  }

  void check_number(const json& value, const json& schema, const std::string& path, const std::string& hint) {
    if (schema.contains("minimum") && value < schema.at("minimum")) {
      add(path, show_value(value) + " is too small: at least " + schema.at("minimum").dump(), hint);
    } else if (schema.contains("maximum") && value > schema.at("maximum")) {
      add(path, show_value(value) + " is too large: at most " + schema.at("maximum").dump(), hint);
    }
  }

  void check_array(const json& value, const json& schema, const std::string& path, const std::string& hint) {
    if (value.size() < schema.value("minItems", std::size_t{0})) add(path, "must not be empty", hint);
    if (!schema.contains("items")) return;
    for (std::size_t i = 0; i < value.size(); ++i) check(value[i], schema.at("items"), path_of(path, i));
  }

  void check_object(const json& value, const json& schema, const std::string& path, const std::string& hint) {
    if (!schema.contains("properties")) return;
    const json& properties = schema.at("properties");
    for (const auto& [key, inner] : value.items()) {
      if (properties.contains(key)) {
        check(inner, properties.at(key), path_of(path, key));
      } else if (schema.contains("additionalProperties") && !schema.at("additionalProperties").get<bool>()) {
        add_unknown_key(path_of(path, key), key, properties);
      }
    }
    for (const json& key : schema.value("required", json::array())) {
      const auto& name = key.get_ref<const std::string&>();
      if (!value.contains(name)) {
        add(path, "\"" + name + "\" is missing", properties.at(name).value("description", ""));
      }
    }
    const bool too_few = value.size() < schema.value("minProperties", std::size_t{0});
    const bool too_many = schema.contains("maxProperties") && value.size() > schema.at("maxProperties").get<std::size_t>();
    if (too_few || too_many) {
      add(path, too_few ? "has too few keys" : "has too many keys: " + join(keys_of(value), ", "), hint);
    }
  }

  void add_unknown_key(const std::string& path, const std::string& key, const json& properties) {
    const auto known = keys_of(properties);
    const auto guess = did_you_mean(key, known);
    add(path, "the key is not known", guess ? "did you mean \"" + *guess + "\"?" : "known here: " + join(known, ", "));
  }

  const json& root_;
  const std::string& file_;
  Problems& problems_;
};

}  // namespace

std::string show_value(const json& value) {
  constexpr std::size_t kLongest = 60;
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() <= kLongest) return text;
  std::size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

void check_against_schema(const json& value, const json& schema, const std::string& file, Problems& problems) {
  Checker(schema, file, problems).check(value, schema, "");
}

}  // namespace pulk
