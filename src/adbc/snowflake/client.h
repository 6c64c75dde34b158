// One session with Snowflake through its ADBC driver. Statements are plain SQL; the driver's errors come out as
// snowflake_error() makes them. Used by the warehouse and by the stage.
//
// A session is never renewed inside a transaction: whoever begins one asks is_old() first and opens another client. The
// driver renews the token of a session by itself, which keeps the session.
//
// Threads: one at a time; cancel() of the token comes from another one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adbc/adbc.h"
#include "base/cancel.h"
#include "config/snowflake_connection.h"

namespace pulk::snowflake {

class Client {
 public:
  // Logs in and sets the session up. `tag` is what QUERY_TAG shows of it, JSON text. Throws what the login says.
  Client(const SnowflakeConnection& connection, const std::string& tag, CancelToken* cancel);
  ~Client();

  std::int64_t execute(const std::string& sql);                         // rows changed
  std::vector<std::vector<std::string>> query(const std::string& sql);  // NULL is ""
  // Columns by name, for SHOW, DESC and COPY, whose columns grow from release to release.
  std::vector<std::map<std::string, std::string>> named_rows(const std::string& sql);
  // The columns of a query; nothing is run. Metadata of each field: "SNOWFLAKE_TYPE" (fixed, text,
  // timestamp_ntz …); a stream has "logicalType" (FIXED …) and "scale".
  std::shared_ptr<arrow::Schema> describe(const std::string& sql);
  std::shared_ptr<arrow::RecordBatchReader> stream(const std::string& sql);

  // The tag of the statements that follow.
  void tag(const std::string& json);
  // Open for so long that it should not carry another transaction.
  bool is_old() const;

 private:
  template <typename Work>
  auto guarded(const Work& work);

  std::unique_ptr<adbc::Database> database_;
  std::unique_ptr<adbc::Connection> connection_;
  std::unique_ptr<CancelToken::Registration> on_cancel_;
  CancelToken* cancel_;
  std::string where_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

// An SQL string literal: Snowflake also reads backslashes.
std::string literal(std::string_view text);

// A place on a stage, @"DB"."SCHEMA"."STAGE"/path, as a statement takes it: in single quotes where a name has blanks or
// other special characters (documentation of PUT).
std::string stage_reference(const std::string& place);

}  // namespace pulk::snowflake
