// What a connection is, by the server's own word.
#include <algorithm>

#include "base/strings.h"
#include "orchestrator/prove/sqlserver/sqlserver_bench.h"
#include "orchestrator/prove/sqlserver/sqlserver_probe.h"

namespace pulk::prove {
namespace {

using Auth = SqlServerConnection::Auth;

// What pulk asks for at most, see sqlserver_sessions.cpp.
constexpr int kLargestEncryptedPacket = 16000;

std::string about_connection(SqlServerBench& bench, const char* column) {
  return value(bench.reader(), std::string("SELECT CONVERT(nvarchar(40), ") + column +
                                   ") FROM sys.dm_exec_connections WHERE session_id = @@SPID");
}

Finding scheme(SqlServerBench& bench) {
  const std::string seen = about_connection(bench, "auth_scheme");
  if (bench.connection().auth == Auth::entra)
    return {Outcome::undecided, "auth_scheme is " + seen + "; what stands there for a token is documented nowhere"};
  return decide(iequals(seen, bench.connection().auth == Auth::kerberos ? "KERBEROS" : "SQL"),
                "auth_scheme is " + seen);
}

Finding encryption(SqlServerBench& bench) {
  const std::string seen = about_connection(bench, "encrypt_option");
  if (bench.connection().encrypt == "no")
    return {Outcome::undecided, "encrypt = \"no\" was asked for; encrypt_option is " + seen};
  return decide(iequals(seen, "TRUE"), "encrypt_option is " + seen);
}

Finding packet_size(SqlServerBench& bench) {
  const std::string seen = about_connection(bench, "net_packet_size");
  const SqlServerConnection& connection = bench.connection();
  const int asked =
      connection.encrypt == "no" ? connection.packet_size : std::min(connection.packet_size, kLargestEncryptedPacket);
  return decide(seen == std::to_string(asked), seen + " bytes, asked for " + std::to_string(asked));
}

Finding setting(SqlServerBench& bench) {
  const std::string seen =
      value(bench.reader(),
            "SELECT CONCAT(text_size, ' ', date_format, ' ', lock_timeout) FROM sys.dm_exec_sessions WHERE "
            "session_id = @@SPID");
  const std::string wanted = std::to_string(bench.connection().lock_timeout * 1000);
  const bool held = (seen == "-1 ymd " + wanted) || (seen == "2147483647 ymd " + wanted);
  return decide(held, "text size, date format and lock timeout are " + seen);
}

}  // namespace

std::vector<SqlServerProbe> sqlserver_login_probes() {
  constexpr const char* theme = "logins";
  return {
      {{101, theme, Rests::running, "the login goes by the scheme that was asked for",
        "with NTLM in the place of Kerberos the login works where a password is at hand, and nowhere else: see the "
        "SPN"},
       scheme},
      {{102, theme, Rests::running, "login and rows are encrypted", "what is read can be seen on the network"},
       encryption},
      {{103, theme, Rests::running, "packets are as large as was asked for, with encryption at most 16000 bytes",
        "rows travel in more packets than they need, and more slowly"},
       packet_size},
      {{104, theme, Rests::exactly_once, "the settings of a session stay as they were made",
        "long texts are cut, or dates of a filter are misread"},
       setting},
  };
}

}  // namespace pulk::prove
