#include "orchestrator/demo_proof.h"

#include <arrow/api.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>

#include "adbc/adbc.h"
#include "base/error.h"
#include "base/sqlite_db.h"
#include "base/strings.h"
#include "orchestrator/demo_sample.h"
#include "warehouse/duckdb/duckdb_file.h"

namespace pulk::demo {

namespace {

namespace fs = std::filesystem;

// The sum of the hashes of all rows does not depend on their order; a row that is there twice counts twice.
class Digest {
 public:
  void add(std::string_view row) {
    const XXH128_hash_t hash = XXH3_128bits(row.data(), row.size());
    low_ += hash.low64;
    high_ += hash.high64;
  }
  std::string text() const { return fmt::format("{:016x}{:016x}", high_, low_); }

 private:
  std::uint64_t low_ = 0, high_ = 0;
};

class DuckdbReader {
 public:
  explicit DuckdbReader(const std::string& path, const std::string& access_mode = "READ_ONLY")
      : database_(duckdb_library(), "duckdb_adbc_init",
                  {{"path", path}, {"access_mode", access_mode}, {"memory_limit", "256MB"}}),
        connection_(database_) {}
  adbc::Connection& connection() { return connection_; }

 private:
  adbc::Database database_;
  adbc::Connection connection_;
};

// A file that a killed process has left cannot be opened read-only: its log may have to be written into it first. A
// copy can, and the place of the accident stays as it is.
class Copy {
 public:
  explicit Copy(const std::string& path) : path_(path + ".look") {
    remove();
    fs::copy_file(path, path_);
    if (fs::exists(path + ".wal")) fs::copy_file(path + ".wal", path_ + ".wal");
  }
  ~Copy() { remove(); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  const std::string& path() const { return path_; }

 private:
  void remove() {
    std::error_code ignored;
    for (const char* end : {"", ".wal"}) fs::remove(path_ + end, ignored);
  }
  std::string path_;
};

std::string name_of(const Column& column) {
  switch (column.kind()) {
    case ColumnKind::integer:
    case ColumnKind::decimal:
      return "sum of " + column.name;
    case ColumnKind::date:
      return column.name + " from .. to";
    case ColumnKind::text:
      return "characters in " + column.name;
  }
  return column.name;
}

std::string sqlite_figure(const Column& column) {
  switch (column.kind()) {
    case ColumnKind::integer:
      return "sum(" + column.name + ")";
    // SQLite keeps decimals as doubles: hundredths are whole numbers there only after rounding, and exact then.
    case ColumnKind::decimal:
      return "sum(CAST(round(" + column.name + " * 100) AS INTEGER))";
    case ColumnKind::date:
      return "min(" + column.name + ") || ' .. ' || max(" + column.name + ")";
    case ColumnKind::text:
      return "sum(length(" + column.name + "))";
  }
  return "";
}

std::string duckdb_figure(const Column& column) {
  switch (column.kind()) {
    case ColumnKind::integer:
    case ColumnKind::decimal:
      return "CAST(sum(" + column.name + ") AS VARCHAR)";
    case ColumnKind::date:
      return "CAST(min(" + column.name + ") AS VARCHAR) || ' .. ' || CAST(max(" + column.name + ") AS VARCHAR)";
    case ColumnKind::text:
      return "CAST(sum(length(" + column.name + ")) AS VARCHAR)";
  }
  return "";
}

std::string with_two_digits(std::int64_t hundredths) {
  const std::int64_t whole = hundredths / 100, rest = hundredths % 100;
  return fmt::format("{}{}.{:02}", hundredths < 0 ? "-" : "", whole < 0 ? -whole : whole, rest < 0 ? -rest : rest);
}

// All cells of a row as one text, the same in both engines. No text of the sample holds a '|'.
std::string sqlite_row(const Table& table) {
  std::vector<std::string> cells;
  for (const Column& column : table.columns)
    cells.push_back(column.kind() == ColumnKind::decimal ? "printf('%.2f', " + column.name + ")" : column.name);
  return join(cells, " || '|' || ");
}

std::string duckdb_row(const Table& table) {
  std::vector<std::string> cells;
  for (const Column& column : table.columns) cells.push_back("CAST(" + column.name + " AS VARCHAR)");
  return join(cells, " || '|' || ");
}

std::string digest_of(SqliteDb& db, const Table& table) {
  Digest digest;
  SqliteStatement query(db, "SELECT " + sqlite_row(table) + " FROM " + table.name);
  while (query.step()) digest.add(query.text(0));
  return digest.text();
}

std::string digest_of(adbc::Connection& connection, const Table& table) {
  Digest digest;
  const auto reader = connection.stream("SELECT " + duckdb_row(table) + " FROM main." + table.name);
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    if (const arrow::Status status = reader->ReadNext(&batch); !status.ok())
      throw Error(ErrorKind::internal, status.message(), table.name);
    if (batch == nullptr) return digest.text();
    const auto* texts = dynamic_cast<const arrow::StringArray*>(batch->column(0).get());
    if (texts == nullptr) throw Error(ErrorKind::internal, "DuckDB gave no text where text was asked for", table.name);
    // A NULL in any cell makes the whole text NULL; the sample has none.
    for (std::int64_t i = 0; i < texts->length(); ++i) digest.add(texts->IsNull(i) ? "NULL" : texts->GetView(i));
  }
}

// The number of rows, one figure for each column, the digest.
using Values = std::vector<std::string>;

Values source_values(SqliteDb& db, const Table& table) {
  std::vector<std::string> wanted = {"count(*)"};
  for (const Column& column : table.columns) wanted.push_back(sqlite_figure(column));
  SqliteStatement query(db, "SELECT " + join(wanted, ", ") + " FROM " + table.name);
  query.step();
  Values values = {query.text(0)};
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const int at = static_cast<int>(i) + 1;
    const bool decimal = table.columns[i].kind() == ColumnKind::decimal;
    values.push_back(decimal ? with_two_digits(query.integer(at)) : query.text(at));
  }
  values.push_back(digest_of(db, table));
  return values;
}

Values target_values(adbc::Connection& connection, const Table& table) {
  std::vector<std::string> wanted = {"CAST(count(*) AS VARCHAR)"};
  for (const Column& column : table.columns) wanted.push_back(duckdb_figure(column));
  const adbc::Rows rows = connection.query("SELECT " + join(wanted, ", ") + " FROM main." + table.name);
  Values values;
  for (std::size_t i = 0; i < wanted.size(); ++i) values.push_back(rows.text(0, i));
  values.push_back(digest_of(connection, table));
  return values;
}

}  // namespace

bool TableProof::equal() const {
  return std::all_of(figures.begin(), figures.end(), [](const Figure& f) { return f.equal(); });
}

const Figure& TableProof::headline() const {
  const Figure* best = nullptr;
  for (const char* word : {"price", "cost", "acctbal", "sum of"})
    for (const Figure& figure : figures)
      if (best == nullptr && figure.what.starts_with("sum of") && figure.what.find(word) != std::string::npos)
        best = &figure;
  return best != nullptr ? *best : figures.front();
}

std::vector<TableProof> prove(const std::string& sqlite_path, const std::string& duckdb_path) {
  // Each side in a thread of its own: they have nothing to do with each other.
  std::future<std::vector<Values>> source = std::async(std::launch::async, [&] {
    SqliteDb db(sqlite_path, true, std::chrono::seconds(5));
    std::vector<Values> all;
    for (const Table& table : tables()) all.push_back(source_values(db, table));
    return all;
  });
  std::vector<Values> in_target;
  DuckdbReader target(duckdb_path);
  for (const Table& table : tables()) in_target.push_back(target_values(target.connection(), table));
  const std::vector<Values> in_source = source.get();

  std::vector<TableProof> proofs;
  for (std::size_t t = 0; t < tables().size(); ++t) {
    const Table& table = tables()[t];
    std::vector<std::string> names = {"rows"};
    for (const Column& column : table.columns) names.push_back(name_of(column));
    names.emplace_back("digest over all cells");
    TableProof proof;
    proof.table = table.name;
    proof.rows = std::stoll(in_source[t].front());
    for (std::size_t i = 0; i < names.size(); ++i)
      proof.figures.push_back({names[i], in_source[t][i], in_target[t][i]});
    proofs.push_back(std::move(proof));
  }
  return proofs;
}

std::vector<Left> what_is_left(const std::string& duckdb_path) {
  const Copy copy(duckdb_path);
  DuckdbReader reader(copy.path(), "READ_WRITE");
  const adbc::Rows marks = reader.connection().query(
      "SELECT target_table, CAST(max(CASE WHEN \"partition\" = '' AND state = 'published' THEN 1 ELSE 0 END) AS "
      "BIGINT),"
      " CAST(sum(CASE WHEN \"partition\" <> '' THEN 1 ELSE 0 END) AS BIGINT),"
      " CAST(sum(CASE WHEN \"partition\" <> '' AND state = 'loaded' THEN 1 ELSE 0 END) AS BIGINT),"
      " CAST(sum(CASE WHEN \"partition\" <> '' AND state <> 'loaded' THEN 0 ELSE \"rows\" END) AS BIGINT)"
      " FROM _pulk.mark GROUP BY target_table");
  std::vector<Left> result;
  for (const Table& table : tables()) {
    Left left;
    left.table = table.name;
    for (std::size_t i = 0; i < marks.size(); ++i) {
      if (marks.text(i, 0) != table.name) continue;
      left.published = marks.integer(i, 1) == 1;
      left.partitions = marks.integer(i, 2);
      left.loaded = marks.integer(i, 3);
      left.rows = marks.integer(i, 4);
    }
    if (left.published) left.rows = reader.connection().query("SELECT count(*) FROM main." + table.name).integer(0, 0);
    result.push_back(left);
  }
  return result;
}

}  // namespace pulk::demo
