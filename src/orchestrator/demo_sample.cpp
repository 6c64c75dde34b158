#include "orchestrator/demo_sample.h"

#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/environment.h"
#include "base/error.h"
#include "base/sqlite_db.h"
#include "base/strings.h"
#include "orchestrator/demo_child.h"

namespace pulk::demo {

namespace {

namespace fs = std::filesystem;

constexpr const char* kGenerator = "tpchgen-cli";

// One prepared INSERT that is run for each line of a table.
class Insert {
 public:
  Insert(SqliteDb& db, const Table& table) : db_(db), table_(table) {
    const std::vector<std::string> marks(table.columns.size(), "?");
    const std::string sql = "INSERT INTO " + table.name + " VALUES (" + join(marks, ", ") + ")";
    if (const int code = sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &handle_, nullptr); code != SQLITE_OK)
      db.fail(code);
  }
  ~Insert() { sqlite3_finalize(handle_); }
  Insert(const Insert&) = delete;
  Insert& operator=(const Insert&) = delete;

  // A line of the generator's "tbl" format: every value is followed by a '|'. SQLite turns the texts of numbers into
  // numbers by the declared types.
  void line(std::string_view text) {
    std::string_view rest = text;
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      const std::size_t end = rest.find('|');
      if (end == std::string_view::npos) bad(text);
      sqlite3_bind_text(handle_, static_cast<int>(i) + 1, rest.data(), static_cast<int>(end), SQLITE_STATIC);
      rest.remove_prefix(end + 1);
    }
    if (!rest.empty()) bad(text);
    if (const int code = sqlite3_step(handle_); code != SQLITE_DONE) db_.fail(code);
    sqlite3_reset(handle_);
    ++rows_;
  }
  std::int64_t rows() const { return rows_; }

 private:
  [[noreturn]] void bad(std::string_view text) const {
    throw Error(ErrorKind::usage, "the generator wrote a line of another shape: " + std::string(text), table_.name,
                "this demo knows tpchgen-cli 4");
  }

  SqliteDb& db_;
  const Table& table_;
  sqlite3_stmt* handle_ = nullptr;
  std::int64_t rows_ = 0;
};

std::string create_statement(const Table& table) {
  std::vector<std::string> parts;
  for (const Column& column : table.columns) parts.push_back(column.name + " " + column.type + " NOT NULL");
  parts.push_back("PRIMARY KEY (" + join(table.primary_key, ", ") + ")");
  return "CREATE TABLE " + table.name + " (" + join(parts, ", ") + ")";
}

// All tables at once, as text: starting the generator costs more than what it writes at this scale.
void generate(const std::string& generator, const std::string& scale, const fs::path& folder) {
  std::string complaint;
  const ChildEnd end = run_child(
      {{generator, "-s", scale, "-q", "--output-dir", folder.string()}, "", {}, {}}, [](std::string_view) {},
      [&](std::string_view line) { complaint += std::string(line) + "\n"; });
  if (end.exit_code != 0)
    throw Error(ErrorKind::usage, "the generator failed: " + std::string(trim(complaint)), generator,
                "PULK_TPCHGEN names another tpchgen-cli");
}

std::int64_t fill(SqliteDb& db, const Table& table, const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw Error(ErrorKind::usage, "the generator has not written this file", file.string(),
                "this demo knows tpchgen-cli 4");
  Insert insert(db, table);
  for (std::string line; std::getline(in, line);) insert.line(line);
  return insert.rows();
}

// A folder that goes with the object.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) { fs::remove_all(path_); }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

ColumnKind Column::kind() const {
  if (type == "INTEGER") return ColumnKind::integer;
  if (type == "DATE") return ColumnKind::date;
  return type.starts_with("DECIMAL") ? ColumnKind::decimal : ColumnKind::text;
}

const std::vector<Table>& tables() {
  static const std::string money = "DECIMAL(15,2)";
  static const std::vector<Table> all = {
      {"region", {{"r_regionkey", "INTEGER"}, {"r_name", "CHAR(25)"}, {"r_comment", "VARCHAR(152)"}}, {"r_regionkey"}},
      {"nation",
       {{"n_nationkey", "INTEGER"}, {"n_name", "CHAR(25)"}, {"n_regionkey", "INTEGER"}, {"n_comment", "VARCHAR(152)"}},
       {"n_nationkey"}},
      {"supplier",
       {{"s_suppkey", "INTEGER"},
        {"s_name", "CHAR(25)"},
        {"s_address", "VARCHAR(40)"},
        {"s_nationkey", "INTEGER"},
        {"s_phone", "CHAR(15)"},
        {"s_acctbal", money},
        {"s_comment", "VARCHAR(101)"}},
       {"s_suppkey"}},
      {"lineitem",
       {{"l_orderkey", "INTEGER"},
        {"l_partkey", "INTEGER"},
        {"l_suppkey", "INTEGER"},
        {"l_linenumber", "INTEGER"},
        {"l_quantity", money},
        {"l_extendedprice", money},
        {"l_discount", money},
        {"l_tax", money},
        {"l_returnflag", "CHAR(1)"},
        {"l_linestatus", "CHAR(1)"},
        {"l_shipdate", "DATE"},
        {"l_commitdate", "DATE"},
        {"l_receiptdate", "DATE"},
        {"l_shipinstruct", "CHAR(25)"},
        {"l_shipmode", "CHAR(10)"},
        {"l_comment", "VARCHAR(44)"}},
       {"l_orderkey", "l_linenumber"}},
      {"orders",
       {{"o_orderkey", "INTEGER"},
        {"o_custkey", "INTEGER"},
        {"o_orderstatus", "CHAR(1)"},
        {"o_totalprice", money},
        {"o_orderdate", "DATE"},
        {"o_orderpriority", "CHAR(15)"},
        {"o_clerk", "CHAR(15)"},
        {"o_shippriority", "INTEGER"},
        {"o_comment", "VARCHAR(79)"}},
       {"o_orderkey"}},
      {"customer",
       {{"c_custkey", "INTEGER"},
        {"c_name", "VARCHAR(25)"},
        {"c_address", "VARCHAR(40)"},
        {"c_nationkey", "INTEGER"},
        {"c_phone", "CHAR(15)"},
        {"c_acctbal", money},
        {"c_mktsegment", "CHAR(10)"},
        {"c_comment", "VARCHAR(117)"}},
       {"c_custkey"}},
      {"part",
       {{"p_partkey", "INTEGER"},
        {"p_name", "VARCHAR(55)"},
        {"p_mfgr", "CHAR(25)"},
        {"p_brand", "CHAR(10)"},
        {"p_type", "VARCHAR(25)"},
        {"p_size", "INTEGER"},
        {"p_container", "CHAR(10)"},
        {"p_retailprice", money},
        {"p_comment", "VARCHAR(23)"}},
       {"p_partkey"}},
      {"partsupp",
       {{"ps_partkey", "INTEGER"},
        {"ps_suppkey", "INTEGER"},
        {"ps_availqty", "INTEGER"},
        {"ps_supplycost", money},
        {"ps_comment", "VARCHAR(199)"}},
       {"ps_partkey", "ps_suppkey"}},
  };
  return all;
}

std::string find_generator() {
  const auto runs = [](const fs::path& path) { return ::access(path.c_str(), X_OK) == 0 && !fs::is_directory(path); };
  const std::string hint = "pip install tpchgen-cli, or set PULK_TPCHGEN to its path";
  if (const std::string named = environment("PULK_TPCHGEN"); !named.empty()) {
    if (runs(named)) return fs::absolute(named).string();
    throw Error(ErrorKind::usage, "PULK_TPCHGEN names no program", named, hint);
  }
  std::vector<fs::path> places;
  for (const std::string& folder : split(environment("PATH"), ':'))
    if (!folder.empty()) places.push_back(fs::path(folder) / kGenerator);
  const fs::path tools = fs::path(".deps") / "venv" / "bin" / kGenerator;
  places.push_back(fs::absolute(tools));
  std::error_code ignored;
  if (const fs::path self = fs::read_symlink("/proc/self/exe", ignored); !ignored)
    places.push_back((self.parent_path() / ".." / ".." / tools).lexically_normal());
  for (const fs::path& place : places)
    if (runs(place)) return fs::absolute(place).string();
  throw Error(ErrorKind::usage, "the generator of the sample was not found", kGenerator, hint);
}

std::int64_t make_sample(const std::string& generator, const std::string& scale, const std::string& path,
                         const std::function<void(const std::string& what)>& on_progress) {
  const std::string unfinished = path + ".unfinished";
  fs::remove(unfinished);
  std::int64_t rows = 0;
  {
    const TemporaryFolder texts(path + ".tbl");
    on_progress("generating rows");
    generate(generator, scale, texts.path());
    SqliteDb db(unfinished, false, std::chrono::seconds(5));
    // A file that is thrown away when anything goes wrong needs no journal.
    db.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF");
    SqliteTransaction transaction(db);
    for (const Table& table : tables()) {
      on_progress("filling " + table.name);
      db.execute(create_statement(table));
      rows += fill(db, table, texts.path() / (table.name + ".tbl"));
    }
    transaction.commit();
  }
  fs::rename(unfinished, path);
  return rows;
}

}  // namespace pulk::demo
