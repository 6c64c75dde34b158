#include "orchestrator/demo_proof.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>

#include "adbc/adbc.h"
#include "base/sqlite_db.h"
#include "base/strings.h"
#include "orchestrator/demo_sample.h"
#include "warehouse/duckdb/duckdb_file.h"

namespace pulk::demo {
namespace {

std::string value_of(const Column& column, int row) {
  switch (column.kind()) {
    case ColumnKind::integer:
      return std::to_string(7 * row);
    case ColumnKind::decimal:
      return row % 2 == 0 ? "-0.05" : std::to_string(1234567 * row) + ".1";
    case ColumnKind::date:
      return "'1998-02-0" + std::to_string(1 + row) + "'";
    case ColumnKind::text:
      return "'text " + std::to_string(row) + "'";
  }
  return "";
}

// Both files with the same few rows in all tables.
class DemoProof : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "pulk-proof-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    SqliteDb source(sqlite(), false, std::chrono::seconds(1));
    std::vector<std::string> all;
    for (const Table& table : tables())
      for (const std::string& sql : statements(table)) all.push_back(sql);
    source.execute("BEGIN; " + join(all, "; ") + "; COMMIT");
    in_target("BEGIN; " + join(all, "; ") + "; COMMIT");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::vector<std::string> statements(const Table& table) {
    std::vector<std::string> columns;
    for (const Column& column : table.columns) columns.push_back(column.name + " " + column.type);
    std::vector<std::string> all = {"CREATE TABLE " + table.name + " (" + join(columns, ", ") + ")"};
    for (int row = 1; row <= 4; ++row) {
      std::vector<std::string> values;
      for (const Column& column : table.columns) values.push_back(value_of(column, row));
      all.push_back("INSERT INTO " + table.name + " VALUES (" + join(values, ", ") + ")");
    }
    return all;
  }

  std::string sqlite() const { return folder_ + "/sample.sqlite"; }
  std::string duckdb() const { return folder_ + "/demo.duckdb"; }
  void in_target(const std::string& sql) {
    adbc::Database database(duckdb_library(), "duckdb_adbc_init", {{"path", duckdb()}, {"threads", "1"}});
    adbc::Connection connection(database);
    connection.execute(sql);
  }

  // The names of the figures that differ, and nothing else does.
  std::vector<std::string> differing() {
    std::vector<std::string> names;
    for (const TableProof& proof : prove(sqlite(), duckdb())) {
      bool equal = true;
      for (const Figure& figure : proof.figures) {
        if (figure.equal()) continue;
        equal = false;
        names.push_back(proof.table + ": " + figure.what);
      }
      EXPECT_EQ(proof.equal(), equal);
    }
    return names;
  }

  std::string folder_;
};

using Names = std::vector<std::string>;
const std::string kDigest = "lineitem: digest over all cells";

TEST_F(DemoProof, EqualSides) {
  EXPECT_EQ(differing(), Names{});
  const std::vector<TableProof> proofs = prove(sqlite(), duckdb());
  ASSERT_EQ(proofs.size(), tables().size());
  EXPECT_EQ(proofs[3].rows, 4);
  EXPECT_EQ(proofs[3].headline().what, "sum of l_extendedprice");
  EXPECT_EQ(proofs[3].headline().source, "4938268.10");
  EXPECT_EQ(proofs[0].headline().what, "sum of r_regionkey");
}

TEST_F(DemoProof, RowsInAnotherOrderAreEqual) {
  in_target(
      "CREATE TABLE other AS SELECT * FROM lineitem ORDER BY l_orderkey DESC; DROP TABLE lineitem; "
      "ALTER TABLE other RENAME TO lineitem");
  EXPECT_EQ(differing(), Names{});
}

TEST_F(DemoProof, OneHundredthIsSeen) {
  in_target("UPDATE lineitem SET l_tax = l_tax + 0.01 WHERE l_orderkey = 14");
  EXPECT_EQ(differing(), (Names{"lineitem: sum of l_tax", kDigest}));
}

TEST_F(DemoProof, ValuesThatChangedPlacesAreSeen) {
  in_target(
      "UPDATE lineitem SET l_comment = CASE l_orderkey WHEN 7 THEN 'text 2' WHEN 14 THEN 'text 1' ELSE l_comment END");
  EXPECT_EQ(differing(), Names{kDigest});
}

TEST_F(DemoProof, ARowThatIsMissingOrTwiceIsSeen) {
  in_target("DELETE FROM region WHERE r_regionkey = 7; INSERT INTO region SELECT * FROM region WHERE r_regionkey = 14");
  EXPECT_EQ(differing(), (Names{"region: sum of r_regionkey", "region: digest over all cells"}));
  in_target("DELETE FROM nation WHERE n_nationkey = 7");
  const Names names = differing();
  EXPECT_NE(std::find(names.begin(), names.end(), "nation: rows"), names.end());
}

TEST_F(DemoProof, NullIsSeen) {
  in_target("UPDATE lineitem SET l_shipmode = NULL WHERE l_orderkey = 28");
  EXPECT_EQ(differing(), (Names{"lineitem: characters in l_shipmode", kDigest}));
}

}  // namespace
}  // namespace pulk::demo
