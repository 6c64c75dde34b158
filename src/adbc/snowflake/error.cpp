#include "adbc/snowflake/error.h"

#include <cctype>
#include <cstdlib>

#include "base/strings.h"

namespace pulk::snowflake {
namespace {

struct Meaning {
  int first, last;
  ErrorKind kind;
  const char* hint;
};

constexpr const char* kAgain = "run the same command again to resume";
constexpr const char* kLogin = "check user, password, key or token, and that the user may log in from here";

constexpr const char* kBucket =
    "Snowflake itself may not read the bucket: check the role of the stage's storage integration; `pulk doctor` shows "
    "it";

// The first line that fits counts.
constexpr Meaning kMeanings[] = {
    {390100, 390103, ErrorKind::refused, kLogin},
    // A session that was ended from outside: 390104 "please log in again", 390111 "session no longer exists".
    {390104, 390104, ErrorKind::retryable, kAgain},
    {390105, 390110, ErrorKind::refused, kLogin},
    {390111, 390115, ErrorKind::retryable, kAgain},
    {390144, 390144, ErrorKind::refused,
     "check the key: its public part must be the RSA_PUBLIC_KEY of this user, and "
     "account and user must be written as the account has them"},
    {390186, 390191, ErrorKind::usage, "check `role`, and that it is granted to the user"},
    {390201, 390201, ErrorKind::usage,
     "check warehouse, database and schema of the connection, and what the role may use"},
    {390303, 390317, ErrorKind::refused, "check the token, and the security integration that it was made for"},
    {390318, 390318, ErrorKind::retryable, "get a new token, then run the same command again to resume"},
    {390422, 390422, ErrorKind::refused, "a network policy forbids this address"},
    {394300, 394399, ErrorKind::refused,
     "check the key: its public part must be the RSA_PUBLIC_KEY of this user; and the "
     "clock of this machine"},
    {394400, 394499, ErrorKind::refused, "check the programmatic access token: it may have expired or been taken back"},
    {394500, 394599, ErrorKind::refused, "check the workload identity that is set for the user"},
    {606, 606, ErrorKind::usage, "name a warehouse: warehouse = \"…\" in the connection; the role needs USAGE on it"},
    {604, 604, ErrorKind::retryable, kAgain},
    {630, 630, ErrorKind::retryable, "raise STATEMENT_TIMEOUT_IN_SECONDS of user or warehouse, then run it again"},
    {625, 625, ErrorKind::retryable, "another session changes the same table; run again later, or raise lock_timeout"},
    {626, 626, ErrorKind::retryable, kAgain},
    {57014, 57014, ErrorKind::retryable, kAgain},
    {671, 671, ErrorKind::retryable, kAgain},
    {3001, 3001, ErrorKind::refused, "ask the owner to GRANT the missing privilege to the role of this connection"},
    {3540, 3544, ErrorKind::refused, "ask the owner to GRANT the missing privilege to the role of this connection"},
    {2003, 2003, ErrorKind::refused, "check the name, and that the role of this connection may use it"},
    {2043, 2043, ErrorKind::refused, "check the name, and that the role of this connection may use it"},
    {91016, 91016, ErrorKind::integrity, "something else has removed files from the stage"},
    {90073, 90073, ErrorKind::retryable, kAgain},
    {3167, 3167, ErrorKind::refused, kBucket},
    {100356, 100356, ErrorKind::refused, kBucket},
    {100000, 100999, ErrorKind::refused, "map the column to a type that holds its values, VARCHAR does"},
    {260000, 260999, ErrorKind::usage, "check the connection's settings"},
    {261000, 261999, ErrorKind::retryable, "check the account's name, host, port and proxy"},
    {262000, 263999, ErrorKind::retryable, kAgain},
    {264000, 264999, ErrorKind::retryable, kAgain},
};

bool network(const std::string& said) {
  for (const char* part : {"connection refused", "no such host", "i/o timeout", "connection reset", "EOF",
                           "TLS handshake", "network is unreachable", "context deadline exceeded", "Client.Timeout",
                           "HTTP Status: 5", "HTTP Status: 429", "broken pipe"})
    if (contains(said, part)) return true;
  return false;
}

// The driver found nothing to attest who this machine is (gosnowflake 1.19, auth_wif.go).
bool no_identity(const std::string& said) {
  for (const char* part : {"attestation service", "no AWS ", "no GCP token", "Azure token", "Azure function",
                           "claims from token", "token from JSON", "no access token found"})
    if (contains(said, part)) return true;
  return false;
}

// Without the driver's name in front, and without a URL's arguments: they hold ids that help nobody.
std::string tidy(std::string said) {
  if (said.starts_with("[Snowflake] ")) said.erase(0, 12);
  for (std::size_t at = said.find("http"); at != std::string::npos; at = said.find("http", at + 4)) {
    const std::size_t query = said.find('?', at), end = said.find_first_of("\" \n", at);
    if (query != std::string::npos && query < end)
      said.erase(query, (end == std::string::npos ? said.size() : end) - query);
  }
  // "Would you like to continue loading": advice for another setting of COPY than the one that pulk must use.
  if (const std::size_t advice = said.find("If you would like to continue loading"); advice != std::string::npos)
    said.erase(advice);
  std::string line;
  for (const char c : said)
    if (c != '\n' && c != '\r')
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  return std::string(trim(line));
}

}  // namespace

int error_code(const std::string& message) {
  const std::size_t from = message.starts_with("[Snowflake] ") ? 12 : 0;
  std::size_t end = from;
  while (end < message.size() && std::isdigit(static_cast<unsigned char>(message[end])) != 0) ++end;
  if (end - from != 6 || end >= message.size() || (message[end] != ' ' && message[end] != ':')) return 0;
  return std::atoi(message.substr(from, 6).c_str());
}

bool is_missing(const Error& raw) {
  const int code = error_code(raw.message());
  return code == 2003 || code == 2043;
}

Error snowflake_error(const Error& raw, const std::string& subject) {
  if (!raw.subject().empty() ||
      (raw.kind() != ErrorKind::internal && raw.kind() != ErrorKind::retryable && raw.kind() != ErrorKind::refused))
    return raw;
  const std::string said = tidy(raw.message());
  const int code = error_code(said);
  for (const Meaning& meaning : kMeanings)
    if (code >= meaning.first && code <= meaning.last) return {meaning.kind, said, subject, meaning.hint};
  if (code == 0 && contains(said, "private key"))
    return {ErrorKind::usage, said, subject, "check private_key_passphrase and the key's file"};
  if (code == 0 && no_identity(said))
    return {
        ErrorKind::usage, said, subject,
        "check workload_identity_provider, and that this machine has an identity in that cloud: AWS credentials and "
        "AWS_REGION, a managed identity of Azure, or a service account of Google Cloud"};
  if (code == 0 && (network(said) || raw.kind() == ErrorKind::retryable))
    return {ErrorKind::retryable, said, subject, "check host, port and network, then run the same command again"};
  // The driver calls errors of compilation "IO"; trying them again would help nobody.
  return {code > 0 ? ErrorKind::internal : raw.kind(), said, subject};
}

}  // namespace pulk::snowflake
