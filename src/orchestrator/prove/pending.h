// A statement that runs beside the others, because it is expected to wait for them.
//
// Threads: made and asked by one thread. The client belongs to the statement until wait() came back.
#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <string>

#include "adbc/snowflake/client.h"
#include "base/error.h"

namespace pulk::prove {

class Pending {
 public:
  Pending(snowflake::Client& client, const std::string& sql);
  // For statements that answer with rows; wait() says how many.
  static Pending query(snowflake::Client& client, const std::string& sql);
  Pending(Pending&&) = default;
  ~Pending();  // waits for the end

  bool ended(std::chrono::milliseconds within = std::chrono::milliseconds(0));
  // Waits for the end; rows changed. Throws what the statement threw.
  std::int64_t wait();
  // The same, where an error of the service is an answer too.
  std::optional<Error> wait_for_error();

 private:
  explicit Pending(std::future<std::int64_t> answer) : answer_(std::move(answer)) {}

  std::future<std::int64_t> answer_;
};

}  // namespace pulk::prove
