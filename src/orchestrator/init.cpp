#include "orchestrator/init.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/cancel.h"
#include "base/error.h"
#include "base/strings.h"
#include "base/whole_file.h"
#include "orchestrator/prepare.h"

namespace pulk {

namespace {

namespace fs = std::filesystem;

bool glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t i = 0; i <= text.size(); ++i)
      if (glob(pattern.substr(1), text.substr(i))) return true;
    return false;
  }
  return !text.empty() && (pattern.front() == '?' || pattern.front() == text.front()) &&
         glob(pattern.substr(1), text.substr(1));
}

// A JSON string is a YAML string and a TOML string as well.
std::string literal(const std::string& text) { return nlohmann::json(text).dump(); }

// As a workflow names it: bare where the unquoted rule gives this very name, in quotes where it does not.
std::string written(const std::string& name, NameRule rule) {
  const bool bare = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  return bare && fold({name, false}, rule) == name ? name : quote_double(name);
}

struct Url {
  std::string scheme, user, host, database;
  int port = 0;
};

Url parse_url(const std::string& text) {
  const auto bad = [&](const std::string& why) {
    return Error(ErrorKind::usage, why, "--from", "like postgresql://user@host:5432/database, mariadb://user@host/database "
                 "or sqlite:shop.db");
  };
  Url url;
  const auto colon = text.find(':');
  if (colon == std::string::npos) throw bad("is no address of a database");
  url.scheme = to_lower(text.substr(0, colon));
  std::string rest = text.substr(colon + 1);
  if (url.scheme == "sqlite") {
    if (rest.starts_with("//")) rest = rest.substr(2);
    url.database = rest;
    if (rest.empty()) throw bad("names no file");
    return url;
  }
  if (url.scheme == "postgres") url.scheme = "postgresql";
  if (url.scheme == "mysql") url.scheme = "mariadb";
  if (url.scheme != "postgresql" && url.scheme != "mariadb") throw bad("pulk init knows no source of the kind " + url.scheme);
  if (!rest.starts_with("//")) throw bad("is no address of a database");
  rest = rest.substr(2);
  if (const auto slash = rest.find('/'); slash != std::string::npos) {
    url.database = rest.substr(slash + 1);
    rest.resize(slash);
  }
  if (const auto at = rest.rfind('@'); at != std::string::npos) {
    url.user = rest.substr(0, at);
    rest = rest.substr(at + 1);
    // It would stand in the history of the shell and in the list of processes.
    if (url.user.find(':') != std::string::npos) throw bad("holds a password; leave it out, it is read from PULK_PASSWORD");
  }
  if (const auto port = rest.rfind(':'); port != std::string::npos) {
    url.port = std::atoi(rest.c_str() + port + 1);
    if (url.port < 1 || url.port > 65535) throw bad("the port is no number from 1 to 65535");
    rest.resize(port);
  }
  url.host = rest;
  if (url.host.empty()) throw bad("names no host");
  if (url.database.empty()) throw bad("names no database");
  return url;
}

std::string table_text(const TableInfo& info, NameRule rule, int& refused) {
  std::string facts;
  if (info.rows_estimate >= 0) facts += fmt::format(", about {}", plural(info.rows_estimate, "row"));
  if (info.bytes_estimate >= 0) facts += ", " + format_bytes(info.bytes_estimate);
  facts += info.primary_key.empty() ? ", no primary key" : ", primary key " + join(info.primary_key, ", ");
  const std::string& schema = info.object.name.schema;
  std::string text = "  # " + info.object.name.display() + (info.kind == ObjectKind::view ? " (view)" : "") + ": " +
                     plural(static_cast<std::int64_t>(info.columns.size()), "column") + facts + "\n";
  for (const std::string& note : info.notes) text += "  # " + note + "\n";
  text += "  - source: {";
  if (!schema.empty()) text += "schemaName: " + literal(written(schema, rule)) + ", ";
  text += "tableName: " + literal(written(info.object.name.table, rule)) + "}\n";
  text += "    target: {tableName: " + literal(written(info.object.name.table, NameRule::ignore_case)) + "}\n";

  std::vector<std::string> mapped;
  for (const SourceColumn& column : info.columns) {
    if (column.logical) continue;
    if (!column.readable_as_text) {
      ++refused;
      text += "    # refused: " + column.name + " (" + column.native_type + "): " + column.refusal + "\n";
    } else if (std::find(mapped.begin(), mapped.end(), column.bare_type) == mapped.end()) {
      mapped.push_back(column.bare_type);
    }
  }
  if (!mapped.empty()) {
    text += "    # Types without a rule of their own travel as text:\n    columnTypeMappings:\n";
    for (const std::string& type : mapped)
      text += "      - {sourceType: " + literal(type) + ", targetType: \"VARCHAR\"}\n";
  }
  if (!info.primary_key.empty()) {
    std::vector<std::string> names;
    for (const std::string& column : info.primary_key) names.push_back(literal(written(column, rule)));
    text += "    # columnNamesToPartitionBy: [" + join(names, ", ") + "]   # this is what is taken anyway\n";
  }
  return text;
}

}  // namespace

bool matches_pattern(const std::string& pattern, const std::string& schema, const std::string& table) {
  const std::string wanted = to_lower(pattern);
  return glob(wanted, to_lower(table)) || (!schema.empty() && glob(wanted, to_lower(schema + "." + table)));
}

std::string connections_text(const std::string& from, const std::string& to) {
  const Url url = parse_url(from);
  std::string text = "# Where `pulk` reads and writes. Values may be references: \"env:NAME\", \"file:PATH\".\n\n";
  if (url.scheme == "sqlite") {
    text += "[connections.source.odbc]\ndriver_name = \"SQLite3\"   # as `odbcinst -q -d` lists it\ndatabase = " +
            literal(url.database) + "\n";
  } else {
    const bool mariadb = url.scheme == "mariadb";
    text += mariadb ? "[connections.source.odbc]\ndriver_name = \"MariaDB Unicode\"   # as `odbcinst -q -d` lists it\n"
                    : "[connections.source.postgresql]\n";
    text += "host = " + literal(url.host) + "\nport = " + std::to_string(url.port > 0 ? url.port : mariadb ? 3306 : 5432) +
            "\ndatabase = " + literal(url.database) + "\n";
    if (!url.user.empty()) text += "username = " + literal(url.user) + "\n";
    text += "password = \"env:PULK_PASSWORD\"\n";
    if (!mariadb) text += "# sslmode = \"verify-full\"        # as libpq; the default is \"prefer\"\n";
    if (mariadb) text += "# snapshot_lock = true           # one moment for several lanes, see docs/mariadb.md\n";
  }
  std::string kind = "duckdb", place = (url.scheme == "sqlite" ? fs::path(url.database).stem().string() : url.database) + ".duckdb";
  if (!to.empty()) {
    const auto colon = to.find(':');
    kind = to.substr(0, colon);
    place = colon == std::string::npos ? "" : to.substr(colon + 1);
    if ((kind != "duckdb" && kind != "files") || place.empty())
      throw Error(ErrorKind::usage, "\"" + to + "\" is no target", "--to", "duckdb:FILE or files:FOLDER");
  }
  text += "\n[connections.target." + kind + "]\npath = " + literal(place) + "\n\n# [application]\n"
          "# max_parallel_tasks = 4         # lanes that read at once; the default is the number of processors\n";
  return text;
}

InitResult init(const InitOptions& options, CancelToken& cancel) {
  const bool make_connections = !options.from.empty();
  std::optional<std::string> connections;
  if (make_connections) connections = connections_text(options.from, options.to);
  if (!make_connections && !options.to.empty())
    throw Error(ErrorKind::usage, "--to goes with --from: the connections file has a target already", "--to");
  const auto keep = [&](const std::string& path) {
    if (fs::exists(path) && !options.force)
      throw Error(ErrorKind::usage, "is there already", path, "--force replaces it, -o and -c name other files");
  };
  keep(options.workflow);
  if (make_connections) keep(options.connections);
  if (!make_connections && !fs::exists(options.connections))
    throw Error(ErrorKind::usage, "there is no connections file", options.connections,
                "name the source by --from postgresql://user@host/database, mariadb://user@host/database or sqlite:FILE");

  // What is to be written is read back as migrate will read it, before the real name has anything.
  const std::string trial = options.connections + ".init";
  struct Remove {
    const std::string& path;
    ~Remove() {
      std::error_code ignored;
      fs::remove(path, ignored);
    }
  } remove{trial};
  if (make_connections) write_whole_file(trial, *connections, "the connections file");
  const auto source = open_source(make_connections ? trial : options.connections, options.source, cancel);
  const SourceFacts facts = source->facts();

  std::vector<QualifiedName> chosen;
  std::vector<std::string> all;
  std::vector<std::string> without_match = options.patterns;
  for (const QualifiedName& name : source->list_tables({})) {
    all.push_back(name.display());
    bool wanted = options.patterns.empty();
    for (const std::string& pattern : options.patterns) {
      if (!matches_pattern(pattern, name.schema, name.table)) continue;
      wanted = true;
      std::erase(without_match, pattern);
    }
    if (wanted) chosen.push_back(name);
  }
  Problems problems;
  for (const std::string& pattern : without_match) {
    const auto near = did_you_mean(pattern, all);
    problems.add(pattern, "no table answers to this pattern", near ? "did you mean " + *near + "?" : "");
  }
  problems.throw_if_any();
  if (chosen.empty()) throw Error(ErrorKind::usage, "the source has no tables that this login can see", options.connections);

  std::vector<TableRequest> requests;
  for (const QualifiedName& name : chosen) {
    TableRequest request;
    request.schema = {name.schema, true};
    request.table = {name.table, true};
    requests.push_back(request);
  }
  InitResult result;
  std::string text = fmt::format(
      "# Written by `pulk init` from {}.\n# Next: `pulk plan {}` shows what would happen, `pulk migrate {}` does it.\n"
      "# All keys: `pulk schema workflow`. Useful ones for a table:\n"
      "#   whereClauseCriteria: \"created_at < '2026-01-01'\"\n#   partitionSize: {{targetSizeMb: 256}}\n"
      "#   columnNameMappings: [{{sourceName: \"a\", targetName: \"b\"}}]\ntables:\n",
      facts.product, options.workflow, options.workflow);
  const auto snapshot = source->snapshot({}, 1);
  for (const TableRequest& request : requests) {
    cancel.check();
    text += table_text(snapshot->describe(request), source->name_rule(), result.refused_columns);
    ++result.tables;
  }
  if (make_connections) {
    write_whole_file(options.connections, *connections, "the connections file");
    fs::permissions(options.connections, fs::perms::owner_read | fs::perms::owner_write);
    result.written.push_back(options.connections);
  }
  write_whole_file(options.workflow, text, "the workflow");
  result.written.push_back(options.workflow);
  return result;
}

}  // namespace pulk
