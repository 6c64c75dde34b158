#include "exporter/snowflake_session.h"

#include <algorithm>
#include <cctype>

#include "adbc/snowflake/error.h"
#include "base/error.h"
#include "base/strings.h"
#include "catalog/identifier.h"

namespace pulk {
namespace {

using snowflake::Client;

constexpr int kSeveralStatements = 8;
constexpr int kMissing = 2003, kMissingObject = 2043;

// Codes of the driver's own are higher.
bool is_of_the_service(int code) { return code > 0 && code < 260000; }

Error mended(const Error& error, int code) {
  ErrorKind kind = error.kind();
  std::string hint = error.hint();
  if (code == kSeveralStatements) hint = "write one statement, and call pulk once for each";
  // What the hint says of these codes is meant for columns that pulk has planned.
  if (code >= 100000 && code <= 100999) hint.clear();
  if (kind == ErrorKind::internal) kind = ErrorKind::usage;
  return {kind, error.message(), "", hint};
}

std::string_view without_comments(std::string_view sql) {
  while (true) {
    sql = trim(sql);
    std::size_t end = 0;
    if (sql.starts_with("--") || sql.starts_with("//"))
      end = sql.find('\n');
    else if (sql.starts_with("/*"))
      end = sql.find("*/");
    else if (sql.starts_with("("))
      end = 0;
    else
      return sql;
    if (end == std::string_view::npos) return {};
    sql.remove_prefix(sql.starts_with("/*") ? end + 2 : end + 1);
  }
}

// `what`: database or schema. `said_at` says where a person named it; `in` is what it was looked for in.
void use(Client& client, const std::string& what, const std::string& written, const std::string& said_at,
         const std::string& in) {
  if (written.empty()) return;
  try {
    client.execute("USE " + to_upper(what) + " " + quote_double(fold(parse_written_name(written), NameRule::upper)));
  } catch (const Error& error) {
    const int code = snowflake::error_code(error.message());
    if (code != kMissing && code != kMissingObject) throw;
    throw Error(error.kind(),
                "there is no " + what + " " + written + in + ", or the role of this connection may not use it", said_at,
                "check the name: SHOW " + to_upper(what) + "S lists those that the role sees");
  }
}

}  // namespace

std::unique_ptr<Client> open_session(const SnowflakeConnection& connection, const std::string& tag,
                                     CancelToken* cancel) {
  auto client = std::make_unique<Client>(connection, tag, cancel);
  use(*client, "database", connection.database, connection.database_where, "");
  use(*client, "schema", connection.schema, connection.schema_where,
      connection.database.empty() ? "" : " in " + connection.database);
  return client;
}

void send_as_written(Client& client, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    const int code = snowflake::error_code(error.message());
    if (!error.subject().empty() || !is_of_the_service(code)) throw;
    std::string id;
    try {
      id = client.query("SELECT LAST_QUERY_ID()").at(0).at(0);
    } catch (const Error&) {
      // The error that brought us here is the one to report.
    }
    const Error mine = mended(error, code);
    throw id.empty() ? mine : mine.with_subject("query " + id);
  }
}

bool is_select(std::string_view sql) {
  const std::string_view text = without_comments(sql);
  const auto end =
      std::find_if(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '_'; });
  const std::string word = to_upper(text.substr(0, static_cast<std::size_t>(end - text.begin())));
  return word == "SELECT" || word == "WITH";
}

std::string_view trim_statement(std::string_view sql) {
  sql = trim(sql);
  while (sql.ends_with(';')) sql = trim(sql.substr(0, sql.size() - 1));
  return sql;
}

}  // namespace pulk
