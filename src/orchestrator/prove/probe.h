// One question to a Snowflake account or a SQL Server: a promise that pulk rests on, what would break without it, and the function
// that looks. The probes are listed in probes.cpp and sqlserver/probes.cpp; docs/prove.md has the same list with the vendors' pages.
// Values only.
#pragma once

#include <string>
#include <vector>

namespace pulk::prove {

class Bench;

// What a broken promise would mean.
enum class Rests {
  exactly_once,  // rows could be missing or doubled
  values,        // a value could be changed
  running,       // a run would stop with an error or wait; what is in the target is right
};

enum class Outcome { pass, fail, undecided };

struct Finding {
  Outcome outcome = Outcome::pass;
  std::string seen;
};

inline Finding decide(bool held, std::string seen) { return {held ? Outcome::pass : Outcome::fail, std::move(seen)}; }

struct Promise {
  int number;  // never given to another one
  const char* theme;
  Rests rests;
  const char* promise;
  const char* broken;  // what it means for a user when the promise does not hold
};

struct Probe : Promise {
  Finding (*look)(Bench& bench);
};

// By number.
const std::vector<Probe>& probes();

// One file each, in the order of the numbers.
std::vector<Probe> transaction_probes();
std::vector<Probe> lock_probes();
std::vector<Probe> ending_probes();
std::vector<Probe> publishing_probes();
std::vector<Probe> copy_probes();
std::vector<Probe> value_probes();
std::vector<Probe> staging_probes();
std::vector<Probe> session_probes();

}  // namespace pulk::prove
