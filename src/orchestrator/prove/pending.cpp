#include "orchestrator/prove/pending.h"

#include "adbc/snowflake/error.h"

namespace pulk::prove {

Pending::Pending(snowflake::Client& client, const std::string& sql)
    : answer_(std::async(std::launch::async, [&client, sql] { return client.execute(sql); })) {}

Pending Pending::query(snowflake::Client& client, const std::string& sql) {
  return Pending(
      std::async(std::launch::async, [&client, sql] { return static_cast<std::int64_t>(client.query(sql).size()); }));
}

Pending::~Pending() {
  if (answer_.valid()) answer_.wait();
}

bool Pending::ended(std::chrono::milliseconds within) {
  return !answer_.valid() || answer_.wait_for(within) == std::future_status::ready;
}

std::int64_t Pending::wait() { return answer_.get(); }

std::optional<Error> Pending::wait_for_error() {
  try {
    wait();
    return std::nullopt;
  } catch (const Error& error) {
    if (snowflake::error_code(error.message()) == 0) throw;
    return error;
  }
}

}  // namespace pulk::prove
