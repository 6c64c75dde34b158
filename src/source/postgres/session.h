// How the PostgreSQL source opens sessions: the hard cap on connections (I7), login, and the settings that every
// transaction of pulk runs under.
// Threads: Permits and SessionFactory are safe from any thread; a Session belongs to one thread at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/cancel.h"
#include "config/connections.h"
#include "pg/connection.h"

namespace pulk::postgres {

// Counts the connections that may still be opened.
class Permits {
 public:
  explicit Permits(int count) : free_(count) {}

  class Permit {
   public:
    explicit Permit(Permits& owner) : owner_(&owner) {}
    Permit(Permit&& other) noexcept : owner_(other.owner_) { other.owner_ = nullptr; }
    Permit& operator=(Permit&&) = delete;
    ~Permit() {
      if (owner_ != nullptr) owner_->give_back();
    }

   private:
    Permits* owner_;
  };

  // Waits for a free one; throws Error(retryable) when the wait is over, or when cancelled.
  Permit acquire(std::chrono::milliseconds wait, const CancelToken* cancel);

 private:
  void give_back();
  std::mutex mutex_;
  std::condition_variable freed_;
  int free_;
};

enum class Isolation {
  snapshot,        // REPEATABLE READ: one moment for the whole transaction
  each_statement,  // READ COMMITTED
};

// One logged-in connection that counts against the cap and that the run's CancelToken reaches.
class Session {
 public:
  Session(const pg::Settings& settings, int lock_timeout, CancelToken* cancel);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  pg::Connection& connection() { return connection_; }
  // Starts a read-only transaction with pulk's settings. No statement in it takes a snapshot yet.
  void begin(Isolation isolation);

 private:
  int lock_timeout_;
  pg::Connection connection_;
  std::optional<CancelToken::Registration> on_cancel_;  // last: unregistered before the connection goes
};

class SessionFactory {
 public:
  SessionFactory(const PostgresConnection& configured, int max_connections, CancelToken* cancel);

  Permits::Permit permit();
  std::unique_ptr<Session> open();
  std::string where() const;  // "host:port/database", for messages
  CancelToken* cancel_token() const { return cancel_; }
  int max_connections() const { return max_connections_; }
  void set_permit_wait(std::chrono::milliseconds wait) { permit_wait_ = wait; }

 private:
  pg::Settings settings_;
  int lock_timeout_;
  int max_connections_;
  CancelToken* cancel_;
  Permits permits_;
  std::chrono::milliseconds permit_wait_{60'000};
  std::atomic<bool> product_known_{false};
};

// Runs `body` in a savepoint, so that a failure leaves the transaction, and the snapshot with it, alive.
// keep_locks = false also undoes its settings and locks when it went well.
template <typename Body>
auto in_savepoint(pg::Connection& connection, bool keep_locks, Body body) {
  connection.exec("SAVEPOINT pulk");
  try {
    auto result = body();
    connection.exec(keep_locks ? "RELEASE SAVEPOINT pulk" : "ROLLBACK TO SAVEPOINT pulk; RELEASE SAVEPOINT pulk");
    return result;
  } catch (...) {
    try {
      connection.exec("ROLLBACK TO SAVEPOINT pulk; RELEASE SAVEPOINT pulk");
    } catch (const Error&) {  // the connection is gone; the first error says why
    }
    throw;
  }
}

}  // namespace pulk::postgres
