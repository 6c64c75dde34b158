// One table of a TOML file, read key by key: each value is checked as it is taken, references are resolved, and
// finish() reports the keys that nobody asked for. Called by load_connections only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "base/error.h"
#include "base/secret.h"

namespace pulk {

// What all tables of one file share.
struct TomlFile {
  std::string path;
  std::function<std::string(std::string_view)> resolve;
  std::function<std::string(std::string_view)> resolve_anew;  // may be empty
  bool readable_by_others = false;
  Problems problems;  // usage
  Problems refused;   // references that somebody does not give
  std::set<std::string> told;  // what refused them, without the key: once is enough
  std::vector<std::string> warnings;
};

class TomlTable {
 public:
  TomlTable(TomlFile& file, const toml::table& table, std::string path)
      : file_(file), table_(table), path_(std::move(path)) {}

  bool has(std::string_view key) const { return table_.contains(key); }
  bool is_boolean(std::string_view key) const;
  std::string path_of_key(std::string_view key) const;
  void add_problem(std::string_view key, std::string what, std::string hint = "");

  // An absent key leaves `value` as it is.
  void take(std::string_view key, bool& value);
  void take(std::string_view key, std::string& value);
  void take(std::string_view key, Secret& value);
  void take(std::string_view key, int& value, int minimum, int maximum);
  void take(std::string_view key, std::optional<int>& value, int minimum, int maximum);
  void take_choice(std::string_view key, std::string& value, const std::vector<std::string>& choices);
  // The inner table; nullptr when absent or (with a problem) no table.
  const toml::table* take_table(std::string_view key);
  // Values of any key, numbers as text.
  void take_all(std::map<std::string, std::string>& values);
  // Known, but without effect here.
  void skip(std::string_view key, std::vector<std::string>& paths);

  // Adds a problem for every key that was not taken.
  void finish();

 private:
  const toml::node* find(std::string_view key);
  std::optional<std::string> text_of(std::string_view key, const toml::node& node);
  bool is_reference(const toml::node& node, const std::string& resolved) const;

  TomlFile& file_;
  const toml::table& table_;
  std::string path_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace pulk
