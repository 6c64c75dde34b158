#include "config/toml_table.h"

#include <charconv>
#include <utility>

#include "base/strings.h"
#include "config/document.h"

namespace pulk {
namespace {

std::string type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a number with a point";
    case toml::node_type::boolean: return "true or false";
    default: return "a date or time";
  }
}

}  // namespace

std::string TomlTable::path_of_key(std::string_view key) const { return path_of(path_, key); }

bool TomlTable::is_boolean(std::string_view key) const {
  const toml::node* node = table_.get(key);
  return node != nullptr && node->is_boolean();
}

void TomlTable::add_problem(std::string_view key, std::string what, std::string hint) {
  file_.problems.add(where_of(file_.path, path_of_key(key)), std::move(what), std::move(hint));
}

const toml::node* TomlTable::find(std::string_view key) {
  known_.emplace(key);
  return table_.get(key);
}

std::optional<std::string> TomlTable::text_of(std::string_view key, const toml::node& node) {
  const auto written = node.value_exact<std::string>();
  if (!written) {
    add_problem(key, "must be a string, not " + type_name(node));
    return std::nullopt;
  }
  try {
    return file_.resolve(*written);
  } catch (const Error& error) {
    const std::string what = (error.subject().empty() ? "" : error.subject() + ": ") + error.message();
    // Whoever gives the value is away: nothing in the file is wrong.
    if (error.kind() == ErrorKind::retryable)
      throw Error(error.kind(), what, where_of(file_.path, path_of_key(key)), error.hint());
    if (error.kind() == ErrorKind::refused && !file_.told.insert(what).second) return std::nullopt;
    Problems& list = error.kind() == ErrorKind::refused ? file_.refused : file_.problems;
    list.add(where_of(file_.path, path_of_key(key)), what, error.hint());
    return std::nullopt;
  }
}

bool TomlTable::is_reference(const toml::node& node, const std::string& resolved) const {
  return node.value_exact<std::string>() != resolved;
}

void TomlTable::take(std::string_view key, std::string& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (auto text = text_of(key, *node)) value = std::move(*text);
}

void TomlTable::take(std::string_view key, bool& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto written = node->value_exact<bool>()) {
    value = *written;
  } else {
    add_problem(key, "must be true or false, not " + type_name(*node));
  }
}

void TomlTable::take(std::string_view key, Secret& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto text = text_of(key, *node);
  if (!text) return;
  if (file_.readable_by_others && !text->empty() && !is_reference(*node, *text)) {
    file_.warnings.push_back(where_of(file_.path, path_of_key(key)) +
                             " is in plain text in a file that others can read; write \"env:NAME\" or \"file:PATH\", or "
                             "chmod 600 the file");
  }
  if (file_.resolve_anew && is_reference(*node, *text))
    value = Secret(*text, [anew = file_.resolve_anew, written = node->value_exact<std::string>().value_or("")] {
      return anew(written);
    });
  else
    value = Secret(*text);
}

void TomlTable::take(std::string_view key, int& value, int minimum, int maximum) {
  std::optional<int> number;
  take(key, number, minimum, maximum);
  if (number) value = *number;
}

void TomlTable::take(std::string_view key, std::optional<int>& value, int minimum, int maximum) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  std::int64_t number = 0;
  if (const auto written = node->value_exact<std::int64_t>()) {
    number = *written;
  } else {
    if (!node->is_string()) return add_problem(key, "must be a whole number, not " + type_name(*node));
    const auto text = text_of(key, *node);
    if (!text) return;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    const bool parsed = error == std::errc() && end == text->data() + text->size();
    // A number in quotes is a slip; behind a reference there is only text.
    if (!parsed || !is_reference(*node, *text)) {
      return add_problem(key, is_reference(*node, *text) ? "the value behind the reference is not a whole number"
                                                         : "must be a whole number, not a string");
    }
  }
  if (number < minimum || number > maximum) {
    return add_problem(key, "must be between " + std::to_string(minimum) + " and " + std::to_string(maximum));
  }
  value = static_cast<int>(number);
}

void TomlTable::take_choice(std::string_view key, std::string& value, const std::vector<std::string>& choices) {
  std::string text = value;
  take(key, text);
  for (const std::string& choice : choices) {
    if (text == choice) {
      value = choice;
      return;
    }
  }
  const auto guess = did_you_mean(text, choices);
  add_problem(key, "must be one of " + join(choices, ", "), guess ? "did you mean \"" + *guess + "\"?" : "");
}

const toml::table* TomlTable::take_table(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) {
    add_problem(key, "must be a table, not " + type_name(*node), "write [" + path_of_key(key) + "]");
    return nullptr;
  }
  return node->as_table();
}

void TomlTable::take_all(std::map<std::string, std::string>& values) {
  for (const auto& [key, node] : table_) {
    known_.emplace(key);
    const std::string name(key);
    if (const auto number = node.value_exact<std::int64_t>()) {
      values[name] = std::to_string(*number);
    } else if (node.is_boolean()) {
      add_problem(name, "must be a string or a whole number", "drivers differ: write \"yes\", \"true\" or 1");
    } else if (auto text = text_of(name, node)) {
      values[name] = std::move(*text);
    }
  }
}

void TomlTable::skip(std::string_view key, std::vector<std::string>& paths) {
  if (find(key) != nullptr) paths.push_back(path_of_key(key));
}

void TomlTable::finish() {
  const std::vector<std::string> known(known_.begin(), known_.end());
  for (const auto& [key, node] : table_) {
    const std::string name(key);
    if (known_.contains(name)) continue;
    const auto guess = did_you_mean(name, known);
    add_problem(name, "the key is not known", guess ? "did you mean \"" + *guess + "\"?" : "known here: " + join(known, ", "));
  }
}

}  // namespace pulk
