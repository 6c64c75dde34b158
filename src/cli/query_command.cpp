#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "base/cancel.h"
#include "base/error.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/signals.h"
#include "cli/snowflake_flags.h"
#include "config/text_file.h"
#include "orchestrator/query.h"
#include "orchestrator/snowflake_login.h"

namespace pulk {
namespace {

struct Flags {
  SnowflakeLoginOptions login;
  std::string sql, file, format;
  std::int64_t max_rows = 1000;
};

void check(const Flags& flags) {
  if (flags.sql.empty() == flags.file.empty())
    throw Error(ErrorKind::usage,
                flags.sql.empty() ? "there is no statement" : "there are two statements: the argument and that of -f",
                "pulk query",
                flags.sql.empty() ? "write it as the argument, name a file by -f FILE, or write - for standard input"
                                  : "keep one of them");
}

std::string statement(const Flags& flags) {
  std::string text = flags.sql;
  if (flags.sql == "-" || flags.file == "-")
    text.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  else if (!flags.file.empty())
    text = read_text_file(flags.file, "check the path");
  if (!valid_utf8(text)) throw Error(ErrorKind::usage, "the statement is not UTF-8", flags.file);
  return text;
}

QueryFormat format_of(const std::string& written) {
  if (written == "csv") return QueryFormat::csv;
  if (written == "json") return QueryFormat::json;
  if (written == "table") return QueryFormat::table;
  return ::isatty(STDOUT_FILENO) != 0 ? QueryFormat::table : QueryFormat::csv;
}

// False when the reader is gone.
bool to_stdout(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      throw Error(ErrorKind::retryable, std::string("the rows cannot be written: ") + std::strerror(errno),
                  "standard output");
    }
  }
  return true;
}

}  // namespace

Command add_query(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  app.add_option("sql", flags->sql, "The statement; - reads it from standard input")->type_name("SQL");
  app.add_option("-f,--file", flags->file, "Read the statement from this file")->type_name("FILE");
  app.add_option("--format", flags->format,
                 "table, csv or json (an object per line); default: table on a terminal, else csv")
      ->check(CLI::IsMember({"table", "csv", "json"}))
      ->type_name("FORMAT");
  app.add_option("--max-rows", flags->max_rows, "Most rows of a table; 0 for all. csv and json have all rows")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  add_snowflake_login(app, flags->login);
  app.footer(
      "Values are exact: all digits of numbers and moments, offsets of TIMESTAMP_TZ. A statement without rows says\n"
      "what it did; its changes are committed. Interrupted, it ends the statement at the server.\n\n"
      "  pulk query \"SELECT * FROM ORDERS LIMIT 10\"\n"
      "  pulk query -f report.sql --format csv > report.csv");
  return [flags] {
    check(*flags);
    // Before standard input is read: it may start the program anew.
    const QueryPlace place = find_query_place(flags->login);
    QueryOptions options;
    options.sql = statement(*flags);
    options.format = format_of(flags->format);
    options.sentences = flags->format.empty() || flags->format == "table";
    options.max_rows = flags->max_rows;
    CancelToken cancel;
    const SignalGuard signals(cancel, "stopping the statement");
    run_query(place, options, to_stdout, cancel);
    return 0;
  };
}

}  // namespace pulk
