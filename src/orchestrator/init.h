// `pulk init`: writes a commented workflow for the tables that patterns name, and a connections file when there is none.
#pragma once

#include <string>
#include <vector>

namespace pulk {

class CancelToken;

struct InitOptions {
  std::vector<std::string> patterns;             // "schema.table" or "table" with * and ?; empty: all tables
  std::string from;                              // postgresql://, mariadb:// or sqlite: ; "" = the connections file has it
  std::string to;                                // duckdb:FILE or files:FOLDER; "" = a DuckDB file
  std::string connections = "configuration.toml";
  std::string source;                            // name of the source connection, when there are several
  std::string workflow = "workflow.yaml";
  bool force = false;                            // replace files that are there
};

struct InitResult {
  std::vector<std::string> written;              // paths, in the order of writing
  int tables = 0;
  int refused_columns = 0;                       // columns that migrate would refuse as the workflow stands
};

// Throws Error(usage) for what is wrong with the options, before anything is written; nothing is written when the source
// cannot be read.
InitResult init(const InitOptions& options, CancelToken& cancel);

// Does "schema.table" answer to the pattern? * is any text, ? one character; ASCII case does not matter; a pattern
// without a dot means the table in any schema.
bool matches_pattern(const std::string& pattern, const std::string& schema, const std::string& table);

// The connections file for --from and --to, with comments. Never holds a password.
std::string connections_text(const std::string& from, const std::string& to);

}  // namespace pulk
