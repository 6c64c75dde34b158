#include "config/connections.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.h"
#include "unit/config/temp_folder.h"

namespace pulk {
namespace {

class ConnectionsToml : public testing::Test {
 protected:
  ConnectionsFile load(std::string_view content) {
    const std::string path = folder_.write("c.toml", content);
    ::chmod(path.c_str(), 0600);
    return load_connections(path, resolve);
  }

  static std::string resolve(std::string_view text) {
    if (text == "env:PW") return "from;env";
    if (text == "env:PORT") return "6543";
    if (text.starts_with("env:")) throw Error(ErrorKind::usage, "the environment variable is not set");
    if (text.starts_with("vault:")) throw Error(ErrorKind::refused, "vault is not in this version");
    return std::string(text);
  }

  std::string problems(std::string_view content, ErrorKind kind = ErrorKind::usage) {
    try {
      load(content);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      std::string text = error.what();
      const std::string prefix = folder_.path() + "/";
      for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
      return text;
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  void expect_problem(std::string_view content, std::string_view expected, ErrorKind kind = ErrorKind::usage) {
    const std::string text = problems(content, kind);
    EXPECT_NE(text.find(expected), std::string::npos) << text << "\nis without: " << expected;
  }

  test::TempFolder folder_;
};

TEST_F(ConnectionsToml, everything) {
  const ConnectionsFile file = load(R"(
selected_task_source = "snowflake_stored_procedure"
[task_source.snowflake_stored_procedure]
connection_name = "x"
[application]
max_parallel_tasks = 8
task_fetch_interval = 5
affinity = "blue"
[connections.source.postgresql]
host = "/run/pg"
port = "env:PORT"
database = "d"
username = "u"
password = "env:PW"
sslmode = "verify-full"
sslrootcert = "root.pem"
connect_timeout = 3
lock_timeout = 4
[connections.source.odbc]
driver_name = "SQLite3"
database = "a.db"
[connections.source.odbc.odbc_options]
Timeout = 100
FKSupport = "yes"
[connections.source.teradata]
whatever = "env:NOT_SET"
[connections.target.duckdb]
path = "w.duckdb"
[connections.target.files]
path = "out"
[connections.target.snowflake_connection_name]
connection_name = "c"
)");
  EXPECT_EQ(file.selected_task_source, "snowflake_stored_procedure");
  EXPECT_EQ(file.application.max_parallel_tasks, 8);
  EXPECT_EQ(file.application.task_fetch_interval, 5);
  const auto& postgres = std::get<PostgresConnection>(file.sources.at("postgresql"));
  EXPECT_EQ(postgres.host, "/run/pg");
  EXPECT_EQ(postgres.port, 6543);
  EXPECT_EQ(postgres.password.reveal(), "from;env");
  EXPECT_EQ(postgres.sslmode, "verify-full");
  EXPECT_EQ(postgres.sslrootcert, "root.pem");
  EXPECT_EQ(postgres.connect_timeout, 3);
  EXPECT_EQ(postgres.lock_timeout, 4);
  EXPECT_EQ(postgres.application_name, "pulk");
  const auto& odbc = std::get<OdbcConnection>(file.sources.at("odbc"));
  EXPECT_EQ(odbc.driver_name, "SQLite3");
  EXPECT_EQ(odbc.odbc_options.at("Timeout"), "100");
  EXPECT_EQ(odbc.odbc_options.at("FKSupport"), "yes");
  EXPECT_EQ(std::get<DuckdbConnection>(file.targets.at("duckdb")).path, "w.duckdb");
  EXPECT_EQ(std::get<FilesConnection>(file.targets.at("files")).path, "out");
  EXPECT_EQ(file.unsupported_sources, std::set<std::string>{"teradata"});
  EXPECT_EQ(std::get<SnowflakeTarget>(file.targets.at("snowflake_connection_name")).connection_name, "c");
  EXPECT_TRUE(file.unsupported_targets.empty());
  EXPECT_EQ(file.without_effect, (std::vector<std::string>{"task_source", "application.affinity"}));
  EXPECT_TRUE(file.warnings.empty());
}

TEST_F(ConnectionsToml, says_everything_at_once) {
  const std::string text = problems(R"(
selected_task_sorce = "x"
[application]
max_parallel_tasks = 101
task_fetch_interval = 0
[connections.source.postgresql]
hots = "h"
port = "5432"
password = 5
sslmode = "verify_full"
username = "env:MISSING"
connect_timeout = 1.5
[connections.source.odbc]
[connections.source.odbc.odbc_options]
PWD = "x"
"a;b" = "x"
Flag = true
[connections.source.postgres]
[connections.target.duckdb]
)");
  for (const char* expected : {
           "c.toml:selected_task_sorce: the key is not known\n    hint: did you mean \"selected_task_source\"?",
           "c.toml:application.max_parallel_tasks: must be between 1 and 100",
           "c.toml:application.task_fetch_interval: must be between 1",
           "c.toml:connections.source.postgresql.hots: the key is not known\n    hint: did you mean \"host\"?",
           "c.toml:connections.source.postgresql.port: must be a whole number, not a string",
           "c.toml:connections.source.postgresql.password: must be a string, not a whole number",
           "c.toml:connections.source.postgresql.sslmode: must be one of",
           "did you mean \"verify-full\"?",
           "c.toml:connections.source.postgresql.username: the environment variable is not set",
           "c.toml:connections.source.postgresql.connect_timeout: must be a whole number, not a number with a point",
           "c.toml:connections.source.odbc.odbc_options.PWD: has a key of its own",
           "c.toml:connections.source.odbc.odbc_options[\"a;b\"]: cannot be a keyword",
           "c.toml:connections.source.odbc.odbc_options.Flag: must be a string or a whole number",
           "c.toml:connections.source.odbc.driver_name: neither driver_name nor dsn is there",
           "c.toml:connections.source.postgres: the key is not known\n    hint: did you mean \"postgresql\"?",
           "c.toml:connections.target.duckdb.path: the path is missing",
       }) {
    EXPECT_NE(text.find(expected), std::string::npos) << text << "\nis without: " << expected;
  }
}

TEST_F(ConnectionsToml, snowflake_leaves_no_rows_out) {
  constexpr std::string_view kTable =
      "[connections.target.snowflake]\naccount = \"a\"\nuser = \"u\"\npassword = \"p\"\n";
  load(std::string(kTable) + "on_error = \"ABORT_STATEMENT\"\nclean_up = \"always\"\n");
  const std::string text = problems(std::string(kTable) + "on_error = \"CONTINUE\"\nmax_rejected_rows = 5\n");
  for (const char* expected :
       {"c.toml:connections.target.snowflake.on_error: Snowflake leaves no rows out of Parquet files",
        "hint: map the column to a type that holds all values",
        "c.toml:connections.target.snowflake.max_rejected_rows: no rows can be rejected"})
    EXPECT_NE(text.find(expected), std::string::npos) << text << "\nis without: " << expected;
}

TEST_F(ConnectionsToml, references_of_another_version_are_refused) {
  expect_problem("[connections.source.postgresql]\npassword = \"vault:x\"",
                 "c.toml:connections.source.postgresql.password: vault is not in this version", ErrorKind::refused);
  expect_problem("[connections.source.postgresql]\npassword = \"vault:x\"\nport = 0", "port");
}

TEST_F(ConnectionsToml, positions_of_syntax_errors) {
  expect_problem("[application]\nmax_parallel_tasks = \n", "c.toml:2:");
  expect_problem("[a]\nb = 1\nb = 2\n", "c.toml:3:");
}

TEST_F(ConnectionsToml, an_unquoted_password_is_not_repeated) {
  const std::string text = problems("[connections.source.postgresql]\npassword = hunter2-secret\n");
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  const std::string open = problems("[connections.source.postgresql]\npassword = \"hunter2-secret\n");
  EXPECT_EQ(open.find("hunter2"), std::string::npos) << open;
  const std::string digits = problems("[connections.source.postgresql]\npassword = 77secret\n");
  EXPECT_EQ(digits.find("77"), std::string::npos) << digits;
}

TEST_F(ConnectionsToml, warns_of_a_password_that_others_can_read) {
  const std::string path = folder_.write("open.toml", "[connections.source.postgresql]\npassword = \"geheim\"\n");
  ::chmod(path.c_str(), 0644);
  const ConnectionsFile open = load_connections(path, resolve);
  ASSERT_EQ(open.warnings.size(), 1U);
  EXPECT_NE(open.warnings[0].find("connections.source.postgresql.password"), std::string::npos);
  EXPECT_EQ(open.warnings[0].find("geheim"), std::string::npos);
  ::chmod(path.c_str(), 0600);
  EXPECT_TRUE(load_connections(path, resolve).warnings.empty());
}

TEST_F(ConnectionsToml, a_missing_file_says_how_to_make_one) {
  try {
    load_connections(folder_.file("none.toml"), resolve);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(error.hint().find("[connections.source.postgresql]"), std::string::npos);
  }
  EXPECT_THROW(load_connections(folder_.path(), resolve), Error);
}

}  // namespace
}  // namespace pulk
