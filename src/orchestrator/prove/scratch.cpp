#include "orchestrator/prove/scratch.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "adbc/snowflake/client.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "catalog/identifier.h"

namespace pulk::prove {
namespace {

constexpr const char* kPrefix = "_PULK_PROVE_";
constexpr const char* kTag = R"({"application":"pulk","command":"doctor --prove"})";
// After this time a process on another machine is taken for dead: probes take minutes.
constexpr std::int64_t kOthersSeconds = 3600;

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

// Seconds of "20261121-024501" or "20261121_024501…"; 0 when it is none.
std::int64_t seconds_of(const std::string& text) {
  tm time = {};
  if (text.size() < 15 || std::sscanf(text.c_str(), "%4d%2d%2d%*c%2d%2d%2d", &time.tm_year, &time.tm_mon, &time.tm_mday,
                                      &time.tm_hour, &time.tm_min, &time.tm_sec) != 6)
    return 0;
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  return ::timegm(&time);
}

}  // namespace

bool is_left_over(const std::string& name, const std::string& comment, const std::string& now) {
  if (!name.starts_with(kPrefix)) return false;
  const std::string here = "host " + host_name() + " pid ";
  if (const std::size_t at = comment.find(here); at != std::string::npos) {
    const int pid = std::atoi(comment.c_str() + at + here.size());
    if (pid > 0 && pid != ::getpid() && ::kill(pid, 0) != 0 && errno == ESRCH) return true;
  }
  const std::int64_t made = seconds_of(name.substr(std::string(kPrefix).size()));
  return made > 0 && seconds_of(now) - made > kOthersSeconds;
}

std::string Scratch::new_name() {
  std::string name = kPrefix + to_upper(new_run_id());
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
}

Scratch::Scratch(const SnowflakeConnection& connection, std::string name, CancelToken* cancel)
    : connection_(connection), full_name_(quote_double(connection.database) + "." + quote_double(name)) {
  snowflake::Client client(connection_, kTag, cancel);
  const std::string database = quote_double(connection_.database);
  for (const auto& row :
       client.named_rows("SHOW SCHEMAS LIKE '" + std::string(kPrefix) + "%' IN DATABASE " + database)) {
    if (!is_left_over(row.at("name"), row.at("comment"), new_run_id())) continue;
    client.execute("DROP SCHEMA IF EXISTS " + database + "." + quote_double(row.at("name")));
    dropped_.push_back(row.at("name"));
  }
  try {
    client.execute(
        "CREATE TRANSIENT SCHEMA " + full_name_ + " DATA_RETENTION_TIME_IN_DAYS = 0 COMMENT = " +
        snowflake::literal("pulk doctor --prove, host " + host_name() + " pid " + std::to_string(::getpid())));
  } catch (const Error&) {
    drop();  // interrupted, it may have been made all the same
    throw;
  }
}

Scratch::~Scratch() { drop(); }

void Scratch::drop() const {
  try {
    snowflake::Client client(connection_, kTag, nullptr);
    client.execute("DROP SCHEMA IF EXISTS " + full_name_);
  } catch (const std::exception& error) {
    log_warning("the schema of the probes could not be dropped (" + std::string(error.what()) + "); run: DROP SCHEMA " +
                full_name_);
  }
}

}  // namespace pulk::prove
