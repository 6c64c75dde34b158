// A stand-in for Snowflake as a target of the warehouse tests. It is started by tests/e2e/test_snowflake_marks.py,
// which runs the suites whose names begin with DISABLED_Snowflake and says where it is by PULK_TEST_SNOWFLAKE: the keys
// of a connection, as JSON.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "adbc/snowflake/client.h"
#include "adbc/snowflake/error.h"
#include "base/secret.h"
#include "config/snowflake_connection.h"
#include "warehouse/snowflake/snowflake_warehouse.h"

namespace pulk::test {

inline SnowflakeConnection snowflake_connection() {
  const char* said = std::getenv("PULK_TEST_SNOWFLAKE");
  if (said == nullptr)
    throw std::runtime_error("PULK_TEST_SNOWFLAKE is not set: run tests/e2e/test_snowflake_marks.py");
  const nlohmann::json keys = nlohmann::json::parse(said);
  SnowflakeConnection connection;
  connection.account = keys.at("account");
  connection.username = keys.at("username");
  connection.password = Secret(keys.at("password").get<std::string>());
  connection.host = keys.at("host");
  connection.port = keys.at("port");
  connection.protocol = keys.at("protocol");
  connection.warehouse = keys.at("warehouse");
  connection.clean_up = "onSuccess";
  connection.login_timeout = 10;
  return connection;
}

// Another name for each call, also among processes.
inline std::string fresh_database() {
  static int number = 0;
  return "UNIT_" + std::to_string(::getpid()) + "_" + std::to_string(++number);
}

// The first column of a statement's rows, by a session of its own.
inline std::vector<std::string> ask_snowflake(const std::string& sql) {
  const SnowflakeConnection connection = snowflake_connection();
  snowflake::Client client(connection, "{}", nullptr);
  std::vector<std::string> values;
  for (const auto& row : client.query(sql)) values.push_back(row.at(0));
  return values;
}

}  // namespace pulk::test
