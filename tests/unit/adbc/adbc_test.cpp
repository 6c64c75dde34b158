// The ADBC client against the driver that is always there: DuckDB's library, in memory.
#include "adbc/adbc.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "warehouse/duckdb/duckdb_file.h"

namespace pulk::adbc {
namespace {

using testing::HasSubstr;

class Adbc : public testing::Test {
 protected:
  Database database_{duckdb_library(), "duckdb_adbc_init", {{"path", ":memory:"}, {"threads", "1"}}};
  Connection connection_{database_};
};

TEST_F(Adbc, TellsHowManyRowsChanged) {
  connection_.execute("CREATE TABLE t(i INTEGER)");
  EXPECT_EQ(connection_.execute("INSERT INTO t FROM range(10)"), 10);
  EXPECT_EQ(connection_.execute("UPDATE t SET i = i WHERE i < 3"), 3);
  EXPECT_LE(connection_.execute("DELETE FROM t WHERE i > 100"), 0);  // this driver: unknown
}

TEST_F(Adbc, SmallResults) {
  const Rows rows = connection_.query("SELECT 1::INTEGER, 2::BIGINT, 'x', NULL, true, 1.50::DECIMAL(5,2)");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows.integer(0, 0), 1);
  EXPECT_EQ(rows.integer(0, 1), 2);
  EXPECT_EQ(rows.text(0, 2), "x");
  EXPECT_TRUE(rows.is_null(0, 3));
  EXPECT_EQ(rows.text(0, 4), "true");
  EXPECT_EQ(rows.text(0, 5), "1.50");
  EXPECT_THROW((void)rows.integer(0, 2), Error);
  EXPECT_TRUE(connection_.query("SELECT 1 WHERE false").empty());
}

TEST_F(Adbc, Streams) {
  const auto reader = connection_.stream("SELECT range AS i FROM range(100000)");
  std::int64_t rows = 0;
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ASSERT_TRUE(reader->ReadNext(&batch).ok());
    if (batch == nullptr) break;
    rows += batch->num_rows();
  }
  EXPECT_EQ(rows, 100000);
}

TEST_F(Adbc, TransactionsBySql) {
  connection_.execute("CREATE TABLE t(i INTEGER)");
  connection_.execute("BEGIN");
  connection_.execute("INSERT INTO t VALUES (1)");
  connection_.execute("ROLLBACK");
  EXPECT_EQ(connection_.query("SELECT count(*) FROM t").integer(0, 0), 0);
}

TEST_F(Adbc, ErrorsCarryTheDriversWords) {
  try {
    connection_.execute("SELECT * FROM nowhere");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("nowhere"));
  }
  EXPECT_THROW(connection_.execute(std::string_view("SELECT 1\0 garbage", 17)), Error);
  EXPECT_EQ(connection_.query("SELECT 1").integer(0, 0), 1);
}

TEST_F(Adbc, CancelStopsTheRunningStatement) {
  std::thread canceller([&] {
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      connection_.cancel();
    }
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(connection_.query("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"), Error);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  canceller.join();
}

TEST(AdbcDriver, AMissingLibraryIsAnError) {
  EXPECT_THROW(Database("/no/such/library.so", "init", {}), Error);
}

}  // namespace
}  // namespace pulk::adbc
