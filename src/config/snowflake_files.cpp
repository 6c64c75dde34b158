#include "config/snowflake_files.h"

#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/environment.h"
#include "base/strings.h"
#include "config/document.h"
#include "config/text_file.h"

namespace pulk {
namespace {

namespace fs = std::filesystem;

fs::path home() {
  const std::string folder = environment("HOME");
  return folder.empty() ? fs::path("/") : fs::path(folder);
}

fs::path settings_folder() {
  std::string own = environment("SNOWFLAKE_HOME");
  if (own == "~" || own.starts_with("~/")) own = home().string() + own.substr(1);
  const fs::path folder = own.empty() ? home() / ".snowflake" : fs::path(own);
  std::error_code why;
  if (fs::exists(folder, why)) return folder;
  const std::string xdg = environment("XDG_CONFIG_HOME");
  return (xdg.empty() ? home() / ".config" : fs::path(xdg)) / "snowflake";
}

// False when the file must not be used.
bool check_permissions(const std::string& path, Problems& problems, std::vector<std::string>& warnings) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return true;
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    problems.add(path, "group or others may write this file, so anybody could change where pulk logs in",
                 "chmod 600 " + path);
    return false;
  }
  const bool foreign = status.st_uid != 0 && status.st_uid != ::getuid();
  if ((status.st_mode & (S_IRGRP | S_IROTH)) != 0 || foreign)
    warnings.push_back(path + (foreign ? " belongs to another user" : " can be read by others") + "; chmod 600 it");
  return true;
}

std::optional<toml::table> read(const std::string& path, Problems& problems, std::vector<std::string>& warnings) {
  std::error_code why;
  if (!fs::exists(path, why) || !check_permissions(path, problems, warnings)) return std::nullopt;
  try {
    return toml::parse(read_text_file(path, ""), path);
  } catch (const toml::parse_error& error) {
    const toml::source_position& begin = error.source().begin;
    problems.add(path + ":" + std::to_string(begin.line) + ":" + std::to_string(begin.column),
                 std::string(error.description()));
  } catch (const Error& error) {
    problems.add(path, error.message(), error.hint());
  }
  return std::nullopt;
}

std::optional<std::string> text_of(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  return std::nullopt;
}

void take_keys(const toml::table& table, const std::string& where, NamedConnection& found, Problems& problems) {
  for (const auto& [key, node] : table) {
    const std::string name(key);
    const auto known = snowflake_keys().find(to_lower(name));
    // The file is Snowflake's: what pulk does not know is for other clients.
    if (known == snowflake_keys().end()) continue;
    const std::string path = where + "." + name;
    const auto text = text_of(node);
    if (!text)
      problems.add(path, "must be a string or a number");
    else
      found.keys[known->second] = {Secret(*text), path};
  }
}

}  // namespace

NamedConnection read_named_connection(std::string name, Problems& problems) {
  NamedConnection found;
  const fs::path folder = settings_folder();
  const std::string config = (folder / "config.toml").string();
  const std::string connections = (folder / "connections.toml").string();
  const auto general = read(config, problems, found.warnings);
  const auto own = read(connections, problems, found.warnings);

  if (name.empty()) name = environment("SNOWFLAKE_CONNECTION_NAME");
  if (name.empty()) name = environment("SNOWFLAKE_DEFAULT_CONNECTION_NAME");
  if (name.empty() && general)
    if (const auto* node = general->get("default_connection_name"))
      name = node->value_exact<std::string>().value_or("");
  if (name.empty()) name = "default";
  found.name = name;

  std::error_code why;
  const bool separate = fs::exists(connections, why);
  found.path = separate ? connections : config;
  const std::string prefix = separate ? "" : "connections.";
  const toml::table* all = nullptr;
  if (separate)
    all = own ? &*own : nullptr;
  else if (general && general->get("connections") != nullptr)
    all = general->get("connections")->as_table();
  if (all == nullptr) {
    if (problems.empty())
      problems.add(found.path,
                   "there is no connection named " + name + ", the file " +
                       (fs::exists(found.path, why) ? "has no connections" : "does not exist"),
                   "write [" + prefix + name + "] with account, user and how to log in");
    return found;
  }
  std::vector<std::string> names;
  for (const auto& [key, node] : *all) {
    names.emplace_back(key);
    if (key != name) continue;
    if (!node.is_table())
      problems.add(where_of(found.path, prefix + name), "must be a table");
    else
      take_keys(*node.as_table(), where_of(found.path, prefix + name), found, problems);
    return found;
  }
  const auto near = did_you_mean(name, names);
  problems.add(found.path, "there is no connection named " + name,
               near ? "did you mean " + *near + "?" : "there are: " + join(names, ", "));
  return found;
}

}  // namespace pulk
