#include "secrets/reference.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/environment.h"
#include "base/error.h"
#include "secrets/vault.h"

namespace pulk {
namespace {

// Far above any key or certificate: a reference to a device or to the wrong file must not fill the memory.
constexpr std::size_t kMaxFileBytes = 1 << 20;

std::string from_environment(const std::string& name) {
  if (name.empty()) throw Error(ErrorKind::usage, "the reference \"env:\" names no variable", "", "write env:NAME");
  if (!in_environment(name)) {
    throw Error(ErrorKind::usage, "the environment variable " + name + " is not set", "",
                "set it before the start: export " + name + "=...");
  }
  return environment(name);
}

std::string from_file(const std::string& path) {
  if (path.empty()) throw Error(ErrorKind::usage, "the reference \"file:\" names no file", "", "write file:PATH");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const std::string reason = errno != 0 ? std::strerror(errno) : "cannot be opened";
    throw Error(ErrorKind::usage, "cannot read the file " + path + ": " + reason, "",
                "a relative path starts at the current folder");
  }
  std::string content(kMaxFileBytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  // A folder opens and fails on the first read.
  if (in.bad()) throw Error(ErrorKind::usage, "cannot read the file " + path);
  const auto bytes = static_cast<std::size_t>(in.gcount());
  if (bytes > kMaxFileBytes) throw Error(ErrorKind::usage, "the file " + path + " is too long for a value (1 MiB)");
  content.resize(bytes);
  if (content.ends_with('\n')) content.pop_back();
  if (content.ends_with('\r')) content.pop_back();
  return content;
}

}  // namespace

// The environment does not change while the process runs.
Vault& the_vault() {
  static Vault vault(vault_settings());
  return vault;
}

std::string resolve_reference(std::string_view text) {
  if (text.starts_with("env:")) return from_environment(std::string(text.substr(4)));
  if (text.starts_with("file:")) return from_file(std::string(text.substr(5)));
  if (text.starts_with("vault:")) return the_vault().read(parse_vault_reference(text));
  return std::string(text);
}

std::string resolve_reference_anew(std::string_view text) {
  if (!text.starts_with("vault:")) return resolve_reference(text);
  VaultReference reference = parse_vault_reference(text);
  reference.version = 0;
  the_vault().forget();
  return the_vault().read(reference);
}

}  // namespace pulk
