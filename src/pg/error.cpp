#include "pg/error.h"

#include <optional>

#include "base/strings.h"

namespace pulk::pg {
namespace {

constexpr std::string_view run_again = "run the same command again to resume";

std::string default_hint(std::string_view state) {
  const std::string_view group = state.substr(0, 2);
  if (state == "42501") return "ask the owner to GRANT the missing privilege to this login";
  if (group == "28") return "check username, password and pg_hba.conf of the server";
  if (state == "3D000") return "check `database` in the connections file";
  if (state == "55P03") return "another session holds the table; run again later, or raise lock_timeout";
  if (state == "53300") return "the server has no free connection; lower the number of parallel tasks";
  if (group == "08" || group == "40" || group == "53" || group == "57" || group == "58") return std::string(run_again);
  return "";
}

bool is_sqlstate(std::string_view text) {
  if (text.size() != 5) return false;
  for (const char c : text) {
    if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'))) return false;
  }
  return true;
}

struct VerboseMessage {
  std::string sqlstate;
  std::string text;
};

// "...FATAL:  28P01: password authentication failed\nLOCATION:  auth_failed, auth.c:335". The word FATAL may be
// translated, so only the ":  XXXXX: " pattern counts.
std::optional<VerboseMessage> parse_verbose(std::string_view text) {
  for (std::size_t at = text.find(":  "); at != std::string_view::npos; at = text.find(":  ", at + 1)) {
    const std::string_view rest = text.substr(at + 3);
    if (rest.size() < 7 || rest[5] != ':' || rest[6] != ' ' || !is_sqlstate(rest.substr(0, 5))) continue;
    const std::string_view line = rest.substr(7);
    return VerboseMessage{std::string(rest.substr(0, 5)), std::string(trim(line.substr(0, line.find('\n'))))};
  }
  return std::nullopt;
}

}  // namespace

ErrorKind kind_of_sqlstate(std::string_view state) {
  if (state.size() != 5) return ErrorKind::retryable;  // no answer of the server: the link
  const std::string_view group = state.substr(0, 2);
  if (state == "42501") return ErrorKind::refused;
  if (group == "28") return ErrorKind::refused;
  // 08 connection, 40 rollback and recovery conflict, 53 resources, 55 lock or state, 57 operator, 58 system.
  if (group == "08" || group == "40" || group == "53" || group == "55" || group == "57" || group == "58") {
    return ErrorKind::retryable;
  }
  if (group == "72") return ErrorKind::retryable;                                          // snapshot too old
  if (group == "XX") return state == "XX000" ? ErrorKind::refused : ErrorKind::integrity;  // damaged data
  if (group == "0A") return ErrorKind::refused;
  // Names, syntax, types and values: what the user wrote as filter, query or view.
  if (group == "42" || group == "3D" || group == "3F" || group == "22" || group == "21" || group == "P0") {
    return ErrorKind::usage;
  }
  return ErrorKind::refused;
}

SqlError to_error(const ServerMessage& message, bool interrupted) {
  if (message.sqlstate == "57014" && interrupted) {
    return SqlError(ErrorKind::retryable, "interrupted", "", std::string(run_again), message.sqlstate);
  }
  std::string text = message.text.empty() ? "the connection to the server was lost" : message.text;
  if (!message.detail.empty()) text += " (" + message.detail + ")";
  if (!message.sqlstate.empty()) text += " [" + message.sqlstate + "]";
  std::string hint = default_hint(message.sqlstate);
  if (message.sqlstate.empty()) hint = run_again;
  if (!message.hint.empty()) hint = hint.empty() ? message.hint : message.hint + "; " + hint;
  return SqlError(kind_of_sqlstate(message.sqlstate), std::move(text), "", std::move(hint), message.sqlstate);
}

SqlError login_error(std::string_view libpq_text, bool needs_password) {
  if (needs_password) {
    return SqlError(ErrorKind::refused, "the server asks for a password and none was given", "",
                    "set `password` in the connections file", "28P01");
  }
  if (const auto parsed = parse_verbose(libpq_text)) {
    return to_error({parsed->sqlstate, parsed->text, "", ""}, false);
  }
  const std::string text(trim(libpq_text));
  if (contains(text, "certificate") || contains(text, "does not support SSL") || contains(text, "sslmode") ||
      contains(text, "private key file")) {
    return SqlError(ErrorKind::refused, text, "", "check sslmode, sslrootcert, sslcert and sslkey", "");
  }
  return SqlError(ErrorKind::retryable, text.empty() ? "cannot connect" : text, "",
                  "check host and port, and that the server is up", "");
}

SqlError kerberos_login_error(std::string_view libpq_text, const std::string& principal, bool needs_password) {
  if (needs_password)
    return SqlError(ErrorKind::refused, "the server asks for a password, not for a ticket of Kerberos", "",
                    "its pg_hba.conf needs a line with the method gss for this login, database and address", "28P01");
  const SqlError plain = login_error(libpq_text, false);
  if (plain.sqlstate().starts_with("28"))
    return SqlError(plain.kind(), plain.message(), "",
                    "does the server take " + principal + " for this username? See include_realm, krb_realm and map of the gss "
                    "line in its pg_hba.conf, and its log", plain.sqlstate());
  if (!plain.sqlstate().empty() || !contains(libpq_text, "GSS")) return plain;
  // Texts of libkrb5 that libpq passes on.
  struct Known {
    const char* text;
    ErrorKind kind;
    const char* hint;
  };
  static constexpr Known kKnown[] = {
      {"not found in Kerberos database", ErrorKind::refused,
       "host must be the name that the server's principal has, and krbsrvname its first part: postgres/HOST@REALM"},
      {"Cannot contact any KDC", ErrorKind::retryable, "see that a KDC of the realm can be reached, then run again"},
      {"Cannot find KDC", ErrorKind::usage, "name the realm of this host under [domain_realm] in krb5.conf"},
      {"Ticket expired", ErrorKind::retryable, "run the same command again to resume"},
      {"Ticket not yet valid", ErrorKind::usage, "set the clocks of this machine, the server and the KDC by a time server (NTP)"},
      {"Clock skew", ErrorKind::usage, "set the clocks of this machine, the server and the KDC by a time server (NTP)"},
      {"GSSAPI encryption", ErrorKind::refused, "the server needs a hostgssenc line in pg_hba.conf, or see gssencmode"},
      {"No Kerberos credentials", ErrorKind::usage, "see principal, keytab and ccache in the connections file"},
  };
  std::string text = plain.message();
  constexpr std::string_view kNoise = "Unspecified GSS failure.  Minor code may provide more information: ";
  for (auto at = text.find(kNoise); at != std::string::npos; at = text.find(kNoise)) text.erase(at, kNoise.size());
  for (const Known& known : kKnown)
    if (contains(text, known.text)) return SqlError(known.kind, text, "", known.hint, "");
  return SqlError(ErrorKind::refused, text, "", "KRB5_TRACE=/dev/stderr shows what libkrb5 does", "");
}

}  // namespace pulk::pg
