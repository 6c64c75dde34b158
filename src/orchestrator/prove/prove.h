// `pulk doctor --prove`: asks a Snowflake account or a SQL Server whether it keeps the promises that pulk rests on, in a schema that
// is made for it and dropped again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "orchestrator/prove/probe.h"

namespace pulk::prove {

struct Options {
  std::string connections = "configuration.toml";
  std::string target;     // name of a Snowflake target or a SQL Server source
  std::vector<int> only;  // numbers of probes; empty: all
};

// What will be done, said before it is done.
struct Intent {
  std::string target;  // the connection's name and the account
  std::string who;     // who is logged in, with which warehouse
  std::string schema;  // that will be made, "DB"."…"; "" when the login may not
  std::string lacks;   // why not, and what to do
  std::size_t probes = 0;
  std::string warehouse, size;  // of Snowflake
  double credits_an_hour = 0;  // 0: the size is not known
  double minutes = 0, credits = 0;
};

struct Result {
  const Promise* probe = nullptr;
  Outcome outcome = Outcome::pass;
  double seconds = 0;
  std::string seen;                // never a secret (I4)
  std::optional<ErrorKind> error;  // why it was not decided, when an error came in between
};

struct Listener {
  std::function<void(const Intent&)> on_start;
  std::function<void(const Result&)> on_result;
};

// Throws Error(usage) for a connection of another kind and for unknown numbers, before anything is opened; what the
// login or the making of the schema says; and when it was cancelled. The schema is dropped in every case.
std::vector<Result> prove(const Options& options, CancelToken& cancel, const Listener& listener);

// 3 when a promise is broken that the rows or values in the target rest on, 6 for another one; else the class of an
// error that kept a probe from deciding; else 0.
int exit_class(const std::vector<Result>& results);

const char* to_string(Outcome outcome);
const char* to_string(Rests rests);

}  // namespace pulk::prove
