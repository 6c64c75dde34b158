#include "config/kerberos_identity.h"

#include <string.h>

#include <filesystem>
#include <optional>

#include "base/base64.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/strings.h"
#include "config/document.h"
#include "config/text_file.h"
#include "config/toml_table.h"

namespace pulk {
namespace {

constexpr int kDay = 24 * 60 * 60;
constexpr const char* kKeys[] = {"principal", "keytab", "keytab_base64", "ccache", "krb5_conf", "renew_every"};

// Source: "Keytab file format" of MIT's documentation: 5, then version 1 or 2.
bool is_keytab(std::string_view bytes) { return bytes.size() > 2 && bytes[0] == 5 && (bytes[1] == 1 || bytes[1] == 2); }
// The same two bytes in base64, whatever comes then.
bool is_keytab_in_base64(std::string_view text) { return text.starts_with("BQI") || text.starts_with("BQE"); }

std::string path_in(std::string text) {
  for (const char* kind : {"FILE:", "WRFILE:"})
    if (text.starts_with(kind)) text.erase(0, std::string_view(kind).size());
  if (text.starts_with("~/")) text.replace(0, 1, environment("HOME"));
  return text;
}

// The file's content, or nothing and a problem at `key`.
std::optional<Secret> content(TomlTable& table, const char* key, const std::string& path) {
  try {
    std::string text = read_text_file(path, "check the path; a relative one starts at the current folder");
    const Secret kept(text);
    explicit_bzero(text.data(), text.size());
    return kept;
  } catch (const Error& error) {
    table.add_problem(key, error.subject() + ": " + error.message(), error.hint());
    return std::nullopt;
  }
}

void check_principal(TomlTable& table, const std::string& principal) {
  const auto slash = principal.find('\\');
  const auto at = principal.find('@');
  if (slash != std::string::npos)
    table.add_problem("principal", "is a name of Windows, not of Kerberos",
                      "write " + principal.substr(slash + 1) + "@REALM, the realm in upper case: CORP.COM");
  else if (principal.find_first_of(" \t\r\n") != std::string::npos)
    table.add_problem("principal", "has a space or a line break");
  else if (at == 0 || at + 1 == principal.size() || principal.find('@', at + 1) < principal.size())
    table.add_problem("principal", "must be NAME@REALM");
}

void read_keytab_file(TomlTable& table, KerberosIdentity& identity) {
  identity.keytab_file = path_in(identity.keytab_file);
  const auto bytes = content(table, "keytab", identity.keytab_file);
  if (!bytes || is_keytab(bytes->reveal())) return;
  table.add_problem("keytab", identity.keytab_file + " is no keytab",
                    is_keytab_in_base64(bytes->reveal())
                        ? "it is one in base64: write keytab_base64 = \"file:" + identity.keytab_file + "\""
                        : "klist -kte " + identity.keytab_file + " shows what a keytab holds");
}

struct Decoded {
  std::optional<Secret> keytab;
  std::string what, hint;  // what is wrong otherwise
};

Decoded decoded_keytab(const std::string& text) {
  if (is_keytab(text)) return {std::nullopt, "is a keytab as it is, not in base64", "name its file: keytab = PATH"};
  const char* hint = "base64 -w0 KEYTAB prints it";
  const auto bytes = decoded_base64(text);
  if (!bytes) return {std::nullopt, "is not base64", hint};
  if (!is_keytab(bytes->reveal())) return {std::nullopt, "is base64, but of something that is no keytab", hint};
  return {bytes, "", ""};
}

void read_keytab_value(TomlFile& file, TomlTable& table, KerberosIdentity& identity) {
  Secret text;
  table.take("keytab_base64", text);
  if (text.empty()) return;
  const Decoded found = decoded_keytab(text.reveal());
  if (!found.keytab) return table.add_problem("keytab_base64", found.what, found.hint);
  identity.keytab =
      Secret(found.keytab->reveal(), [text, where = where_of(file.path, table.path_of_key("keytab_base64"))] {
        const Decoded newest = decoded_keytab(text.newest().reveal());
        if (!newest.keytab) throw Error(ErrorKind::usage, newest.what, where, newest.hint);
        return newest.keytab->reveal();
      });
}

void check_files(TomlTable& table, KerberosIdentity& identity) {
  if (!identity.ccache.empty()) {
    const auto kind = identity.ccache.find(':');
    if (kind == std::string::npos || identity.ccache.starts_with("FILE:")) {
      const std::string path = path_in(identity.ccache);
      identity.ccache = "FILE:" + path;
      std::error_code why;
      if (!std::filesystem::is_regular_file(path, why))
        table.add_problem("ccache", path + " is no file",
                          "klist shows where the tickets of this user are; kinit gets one");
    }
  }
  if (identity.krb5_conf.empty()) return;
  identity.krb5_conf = path_in(identity.krb5_conf);
  content(table, "krb5_conf", identity.krb5_conf);
}

}  // namespace

KerberosIdentity kerberos_identity(TomlFile& file, TomlTable& table, bool used) {
  KerberosIdentity identity;
  table.take("principal", identity.principal);
  table.take("ccache", identity.ccache);
  table.take("krb5_conf", identity.krb5_conf);
  table.take("renew_every", identity.renew_every, 1, kDay);
  table.take("keytab", identity.keytab_file);
  if (!used) {
    Secret text;
    table.take("keytab_base64", text);
    for (const char* key : kKeys)
      if (table.has(key))
        table.add_problem(key, "has an effect with auth = \"kerberos\" only", "write that too, or leave this out");
    return {};
  }
  identity.where = where_of(file.path, table.path_of_key("auth"));
  if (!identity.principal.empty()) check_principal(table, identity.principal);
  if (!identity.keytab_file.empty()) read_keytab_file(table, identity);
  read_keytab_value(file, table, identity);
  check_files(table, identity);
  if (table.has("keytab") && table.has("keytab_base64"))
    table.add_problem("keytab_base64", "keytab is there too", "keep one of them");
  const bool keytab = table.has("keytab") || table.has("keytab_base64");
  if (keytab && table.has("ccache"))
    table.add_problem("ccache", "is for tickets that someone else gets, and there is a keytab too", "keep one of them");
  if (keytab && !table.has("principal"))
    table.add_problem("principal", "is missing",
                      "write NAME@REALM; klist -k KEYTAB lists those that a keytab has keys of");
  if (!keytab && table.has("renew_every"))
    table.add_problem("renew_every", "is for keytabs: who fills a cache renews it too", "leave it out");
  return identity;
}

}  // namespace pulk
