#include "config/odbc_options.h"

#include "base/strings.h"

namespace pulk {

std::map<std::string, std::string> take_odbc_options(TomlFile& file, TomlTable& table,
                                                     const std::map<std::string, std::string>& own_keys) {
  std::map<std::string, std::string> values;
  const toml::table* inner = table.take_table("odbc_options");
  if (inner == nullptr) return values;
  TomlTable options(file, *inner, table.path_of_key("odbc_options"));
  options.take_all(values);
  for (const auto& [name, value] : values) {
    if (const auto key = own_keys.find(to_lower(name)); key != own_keys.end())
      options.add_problem(name, "has a key of its own", "write it as " + table.path_of_key(key->second));
    if (name.empty() || name.find_first_of("=;{}[]()?*!@,") != std::string::npos)
      options.add_problem(name, "cannot be a keyword of an ODBC connection string");
  }
  return values;
}

}  // namespace pulk
