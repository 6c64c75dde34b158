#include "orchestrator/query.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/strings.h"
#include "config/connections.h"
#include "exporter/cell_text.h"
#include "exporter/column_names.h"
#include "exporter/export_source.h"
#include "exporter/row_table.h"
#include "exporter/snowflake_session.h"
#include "exporter/snowflake_statement.h"
#include "exporter/text_encoder.h"
#include "orchestrator/connections_file.h"

namespace pulk {
namespace {

// The driver's share of the memory (I3): results that nobody has read yet.
constexpr std::int64_t kDriverMemory = 128LL << 20;
constexpr std::int64_t kDuckdbMemory = 256LL << 20;

constexpr std::int64_t kRowsAtOnce = 1024;
// Text that is held back at first: a moment that needs another carrier begins the query anew as long as nothing is out.
constexpr std::size_t kHeld = 4 << 20;

// What Snowflake answers to DDL is one column "status", to DML "number of rows inserted" and its like.
bool is_about_changes(const arrow::Schema& schema) {
  if (schema.num_fields() == 1 && schema.field(0)->name() == "status") return true;
  return std::all_of(schema.fields().begin(), schema.fields().end(),
                     [](const auto& field) { return field->name().starts_with("number of "); });
}

std::string sentences_of(const arrow::RecordBatch& batch) {
  std::string said;
  for (int i = 0; i < batch.num_columns(); ++i) {
    const std::string& name = batch.schema()->field(i)->name();
    const auto cells = cell_text(*batch.schema()->field(i), batch.column(i), ' ');
    for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
      std::string text;
      if (!cells->null(row)) cells->append(row, text);
      if (name == "status") {
        said += text + "\n";
        continue;
      }
      // "number of multi-joined rows updated" is worth a line only when there are some.
      const std::string what = name.substr(std::string_view("number of ").size());
      if (text == "0" && i > 0) continue;
      const auto blank = what.starts_with("rows ") ? what.find(' ') : std::string::npos;
      if (blank == std::string::npos)
        said += text + " " + what + "\n";
      else
        said += text + (text == "1" ? " row" : " rows") + what.substr(blank) + "\n";
    }
  }
  return said;
}

// DuckDB is asked for the columns by DESCRIBE in front of the statement, which its errors then repeat.
Error without_describe(const Error& error) {
  constexpr std::string_view kLine = "LINE 1: ", kAdded = "DESCRIBE ";
  std::string message = error.message();
  const std::size_t line = message.find(std::string(kLine) + std::string(kAdded));
  if (line == std::string::npos) return error;
  message.erase(line + kLine.size(), kAdded.size());
  if (const std::size_t caret = message.find_first_not_of(' ', message.find('\n', line) + 1);
      caret != std::string::npos && message[caret] == '^' && caret >= kAdded.size())
    message.erase(caret - kAdded.size(), kAdded.size());
  return {error.kind(), message, error.subject(), error.hint()};
}

// Statements that give rows, but not as a part of another one, by their first words.
void refuse_what_is_no_query(const std::string& sql) {
  const std::string word = to_upper(sql.substr(0, sql.find_first_of(" \t\r\n;(")));
  for (const char* no_query : {"SHOW", "DESCRIBE", "DESC", "EXPLAIN", "PRAGMA", "CALL"})
    if (word == no_query)
      throw Error(ErrorKind::refused, word + " cannot be run on a DuckDB file by pulk: only queries, like SELECT", "",
                  "SELECT table_name FROM information_schema.tables lists the tables, "
                  "information_schema.columns their columns");
}

class Query {
 public:
  Query(const QueryPlace& place, const QueryOptions& options, const TakeBytes& out, CancelToken& cancel)
      : place_(place), options_(options), out_(out), cancel_(cancel) {
    entry_.table = "the query";
    entry_.query = trim_statement(options.sql);
    entry_.type = options.format == QueryFormat::json ? FileType::json : FileType::csv;
    if (entry_.query.empty()) throw Error(ErrorKind::usage, "the statement is empty");
  }

  void run() {
    if (place_.snowflake && !is_select(entry_.query)) {
      const auto rows = run_statement(*place_.snowflake, entry_.query, &cancel_);
      if (options_.sentences && is_about_changes(*rows->schema()))
        say(*rows);
      else
        show(*rows);
      return;
    }
    if (!place_.snowflake) refuse_what_is_no_query(entry_.query);
    try {
      run_query();
    } catch (const Error& error) {
      if (place_.snowflake) throw;
      throw without_describe(error);
    }
  }

 private:
  void run_query() {
    const auto source = place_.snowflake ? make_snowflake_export_source(*place_.snowflake, &cancel_)
                                         : make_duckdb_export_source(place_.duckdb, kDuckdbMemory, &cancel_);
    try {
      show(*source->open(entry_, false));
    } catch (const MomentDoesNotFit&) {
      if (out_begun_)
        throw Error(ErrorKind::refused,
                    "a moment lies outside of the years 1678 to 2261, and rows before it are written already", "",
                    "write TO_VARCHAR for the column in the query");
      held_.clear();
      show(*source->open(entry_, true));
    }
  }

  void say(ExportRows& rows) {
    while (const auto batch = rows.next()) held_ += sentences_of(*batch);
    flush();
  }

  void show(ExportRows& rows) {
    if (options_.format == QueryFormat::table)
      table(rows);
    else
      text(rows);
  }

  void text(ExportRows& rows) {
    check_column_names(entry_, *rows.schema());
    const auto encoder = make_text_encoder(entry_, rows.schema());
    encoder->begin(held_);
    while (const auto batch = rows.next()) {
      for (std::int64_t from = 0; from < batch->num_rows(); from += kRowsAtOnce) {
        encoder->encode(*batch->Slice(from, kRowsAtOnce), held_);
        if ((out_begun_ || held_.size() > kHeld) && !flush()) return;
        cancel_.check();
      }
    }
    encoder->end(held_);
    flush();
  }

  void table(ExportRows& rows) {
    RowTable table(rows.schema());
    bool more = false;
    while (const auto batch = rows.next()) {
      const std::int64_t room =
          options_.max_rows == 0 ? batch->num_rows() : std::min(batch->num_rows(), options_.max_rows - table.rows());
      table.add(*batch->Slice(0, room));
      more = room < batch->num_rows();
      if (more) break;
    }
    held_ += table.render();
    if (more)
      held_ += "(the first " + plural(table.rows(), "row") +
               ", there are more: --max-rows 0 shows all, --format csv or json writes all";
    else
      held_ += "(" + plural(table.rows(), "row");
    if (table.cut()) held_ += "; texts longer than " + std::to_string(RowTable::kLongestCell) + " characters are cut";
    held_ += ")\n";
    flush();
  }

  bool flush() {
    out_begun_ = true;
    const bool taken = out_(held_);
    held_.clear();
    return taken;
  }

  const QueryPlace& place_;
  const QueryOptions& options_;
  const TakeBytes& out_;
  CancelToken& cancel_;
  ExportEntry entry_;
  std::string held_;
  bool out_begun_ = false;
};

}  // namespace

QueryPlace find_query_place(const SnowflakeLoginOptions& options) {
  if (!options.connections.empty()) {
    const ConnectionsFile file = read_connections(options.connections);
    const auto chosen =
        options.target.empty() && file.targets.size() == 1 ? file.targets.begin() : file.targets.find(options.target);
    if (chosen != file.targets.end())
      if (const auto* duckdb = std::get_if<DuckdbConnection>(&chosen->second)) return {std::nullopt, duckdb->path};
  }
  return {log_in_by(options, kDriverMemory), ""};
}

void run_query(const QueryPlace& place, const QueryOptions& options, const TakeBytes& out, CancelToken& cancel) {
  Query(place, options, out, cancel).run();
}

}  // namespace pulk
