#include "warehouse/snowflake/snowflake_names.h"

#include <cctype>

#include "base/strings.h"

namespace pulk::snowflake {
namespace {

bool is_plain(const std::string& name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0 || name.front() == '$') return false;
  return name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$") ==
         std::string::npos;
}

// "20261121-024501-9f3c" as a part of a name without quotes.
std::string upper_run(const std::string& run) {
  std::string out = to_upper(run);
  for (char& c : out)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return out;
}

std::string of_table(const std::string& run, const QualifiedName& target) {
  return upper_run(run) + "_" + to_upper(xxh128_hex(target_of(target).key).substr(0, 8));
}

}  // namespace

std::string fold_name(const WrittenName& name) {
  return name.exact || !is_plain(name.text) ? name.text : to_upper(name.text);
}

Marks::Target target_of(const QualifiedName& table) { return {full_name(table), table}; }

std::string full_name(const std::string& database, const std::string& schema, const std::string& name) {
  return quote_double(database) + "." + quote_double(schema) + "." + quote_double(name);
}

std::string full_name(const QualifiedName& table) { return full_name(table.database, table.schema, table.table); }

std::string own_prefix(const std::string& database) {
  return quote_double(database) + "." + quote_double(kOwnSchema) + ".";
}

std::string staging_name(const std::string& run, const QualifiedName& target) {
  return "LOAD_" + of_table(run, target);
}

std::string stage_name(const std::string& run, const QualifiedName& target) { return "FILES_" + of_table(run, target); }

std::string run_folder(const std::string& run, const QualifiedName& target) {
  return "pulk/" + to_lower(of_table(run, target)) + "/";
}

std::string trial_name(const std::string& run, const QualifiedName& target) {
  return "_PULK_TRIAL_" + of_table(run, target);
}

std::string stage_place(const std::string& users, const std::string& run, const QualifiedName& target) {
  if (users.empty()) return "@" + full_name(target.database, kOwnSchema, stage_name(run, target)) + "/";
  return users + (users.ends_with("/") ? "" : "/") + run_folder(run, target);
}

std::string transaction_name(const std::string& run) { return "PULK_" + upper_run(run); }

}  // namespace pulk::snowflake
