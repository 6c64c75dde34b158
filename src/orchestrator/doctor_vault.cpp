#include "orchestrator/doctor_vault.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "orchestrator/connections_file.h"
#include "secrets/reference.h"
#include "secrets/vault.h"

namespace pulk {
namespace {

// References of one path, as they are written.
using ByPath = std::vector<std::pair<std::string, std::vector<std::string>>>;

ByPath by_path(const std::vector<std::string>& references) {
  ByPath all;
  for (const std::string& reference : references) {
    const std::string path = reference.substr(0, reference.find('#'));
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.first == path; });
    if (found != all.end())
      found->second.push_back(reference);
    else
      all.push_back({path, {reference}});
  }
  return all;
}

// Every key is asked for, so that one look tells all that are missing.
Verdict look_at_secret(const std::vector<std::string>& references) {
  std::vector<std::string> there, wrong, hints;
  std::optional<ErrorKind> kind;
  for (const std::string& text : references) {
    try {
      const VaultReference reference = parse_vault_reference(text);
      the_vault().read(reference);
      there.push_back(reference.key + (reference.version > 0 ? "@" + std::to_string(reference.version) : ""));
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::retryable) throw;
      if (!kind) kind = error.kind();
      if (std::find(wrong.begin(), wrong.end(), error.message()) == wrong.end()) wrong.push_back(error.message());
      if (!error.hint().empty() && std::find(hints.begin(), hints.end(), error.hint()) == hints.end())
        hints.push_back(error.hint());
    }
  }
  const std::string has = there.empty() ? "" : "has " + join(there, ", ");
  if (!kind) return passed(has);
  if (hints.empty()) hints.push_back("write the missing key: vault kv patch");
  return {CheckStatus::fail, join(wrong, "\n") + (has.empty() ? "" : "\n" + has), join(hints, "\n"), *kind};
}

}  // namespace

std::string check_vault(DoctorChecks& checks, const std::string& connections) {
  std::string failed;
  const auto check = [&](const std::string& name, const std::string& fix, const std::function<Verdict()>& look) {
    if (!failed.empty())
      checks.skip(name, failed + " failed");
    else if (!checks.check(name, fix, look))
      failed = name;
  };
  const ByPath secrets = by_path(vault_references(connections));
  if (secrets.empty()) return "";
  check("vault", "check VAULT_ADDR", [] { return passed(the_vault().about_server()); });
  check("vault login", "check VAULT_ROLE_ID and VAULT_SECRET_ID", [] { return passed(the_vault().about_login()); });
  const std::string reached = failed;
  std::string missing;
  for (const auto& [path, references] : secrets) {
    failed = reached;
    check(path, "see what stands at this path", [&list = references] { return look_at_secret(list); });
    if (missing.empty()) missing = failed;
  }
  return missing;
}

}  // namespace pulk
