// The schema that the probes work in: made at the start, dropped at the end, also after an error and after Ctrl-C. What
// a killed process left is found by its name and dropped by the next one.
#pragma once

#include <string>
#include <vector>

#include "base/cancel.h"
#include "config/snowflake_connection.h"

namespace pulk::prove {

class Scratch {
 public:
  // Drops leftovers and makes the schema, in the database of the connection. Throws what Snowflake says.
  Scratch(const SnowflakeConnection& connection, std::string name, CancelToken* cancel);
  // In a session of its own that cannot be cancelled. What cannot be dropped is named in the log.
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& full_name() const { return full_name_; }           // "DB"."_PULK_PROVE_…"
  const std::vector<std::string>& dropped() const { return dropped_; }  // leftovers
  static std::string new_name();

 private:
  void drop() const;

  const SnowflakeConnection connection_;
  std::string full_name_;
  std::vector<std::string> dropped_;
};

// Whether the process that made a schema of this name and comment is gone: at once when it was on this machine, after
// an hour when it was on another one. `now` as new_run_id() begins: "20261121-024501".
bool is_left_over(const std::string& name, const std::string& comment, const std::string& now);

}  // namespace pulk::prove
