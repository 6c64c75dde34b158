// A SQLite file for one test, and the source over it. Rows are compared as text, one string per cell.
#pragma once

#include <arrow/api.h>
#include <arrow/util/string.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "catalog/arrow_schema.h"
#include "source/odbc/odbc_source.h"
#include "unit/config/temp_folder.h"

namespace pulk::test {

// A connection beside pulk's, by SQLite's own interface.
class Sqlite {
 public:
  explicit Sqlite(const std::string& path) {
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) throw std::runtime_error("cannot open " + path);
  }
  ~Sqlite() { sqlite3_close(db_); }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  int run(const std::string& sql) { return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr); }
  void must(const std::string& sql) {
    if (run(sql) != SQLITE_OK) throw std::runtime_error(sql + ": " + sqlite3_errmsg(db_));
  }
  sqlite3* handle() { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

using Cells = std::vector<std::string>;

class OdbcTest : public testing::Test {
 protected:
  std::string path() const { return folder_.file("source.db"); }
  void make(const std::string& sql) { Sqlite(path()).must(sql); }

  std::unique_ptr<Source> source(int max_connections = 8) {
    OdbcConnection connection;
    connection.driver_name = "SQLite3";
    connection.database = path();
    connection.connect_timeout = 1;
    return make_odbc_source(connection, max_connections, &cancel_);
  }

  static TableRequest request(const std::string& table, const std::string& filter = "") {
    TableRequest request;
    request.table = parse_written_name(table);
    request.filter = filter;
    return request;
  }

  // Every column by the carrier of its type; columns without a rule as text.
  static TablePlan plan(const TableInfo& info) {
    TablePlan plan;
    plan.label = info.object.is_query() ? "query" : info.object.name.table;
    plan.source = info.object;
    plan.primary_key = info.primary_key;
    plan.schema_fingerprint = info.fingerprint;
    for (const SourceColumn& column : info.columns) {
      ColumnPlan way;
      way.source_name = way.target_name = column.name;
      way.source_type = column.native_type;
      way.nullable = column.nullable;
      way.logical = column.logical.value_or(LogicalType{TypeKind::text, 0, 0, 0});
      way.carrier = natural_carrier(way.logical);
      plan.columns.push_back(way);
    }
    return plan;
  }

  std::vector<Cells> read(SourceLane& lane, const TablePlan& plan, const PartitionPlan& partition = {},
                          ReadLimits limits = {}) {
    limits.pool = arrow::default_memory_pool();
    std::vector<Cells> rows;
    const auto reader = lane.read(plan, partition, limits);
    while (const auto batch = reader->next()) {
      EXPECT_TRUE(batch->ValidateFull().ok()) << batch->ValidateFull().ToString();
      EXPECT_TRUE(batch->schema()->Equals(*arrow_schema(plan.columns)));
      for (std::int64_t row = 0; row < batch->num_rows(); ++row) {
        Cells cells;
        for (int i = 0; i < batch->num_columns(); ++i) {
          const auto value = batch->column(i)->GetScalar(row).ValueOrDie();
          if (!value->is_valid) {
            cells.emplace_back("NULL");
          } else if (value->type->id() == arrow::Type::BINARY) {
            cells.push_back(arrow::HexEncode(static_cast<const arrow::BinaryScalar&>(*value).view()));
          } else {
            cells.push_back(value->ToString());
          }
        }
        rows.push_back(std::move(cells));
      }
    }
    EXPECT_EQ(reader->next(), nullptr);
    return rows;
  }

  std::vector<Cells> read_table(const std::string& table, const std::string& filter = "", ReadLimits limits = {}) {
    const auto from = source();
    const auto snapshot = from->snapshot({}, 1);
    const auto lane = snapshot->open_lane();
    return read(*lane, plan(snapshot->describe(request(table, filter))), {}, limits);
  }

  // What reading the table is refused with.
  Error refusal(const std::string& table) {
    try {
      read_table(table);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << table << " was read";
    return Error(ErrorKind::internal, "");
  }
  void expect_refusal(const std::string& table, const std::string& text) {
    const Error error = refusal(table);
    EXPECT_EQ(error.kind(), ErrorKind::refused) << error.what();
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what() << "\nis without: " << text;
  }

  TempFolder folder_;
  CancelToken cancel_;
};

}  // namespace pulk::test
