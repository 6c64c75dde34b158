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
#include "base/login_secret.h"
#include "config/connections.h"
#include "pg/connection.h"

namespace pulk {
class KerberosTickets;
}

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

// The statements that start a read-only transaction under pulk's settings, in one text. No statement in it takes a
// snapshot yet.
std::string begin_statements(Isolation isolation, int lock_timeout, int server_version);

// Throws Error(refused) for a server that only resembles PostgreSQL, or is too old.
void check_product(pg::Statements& connection, const std::string& where);

// One logged-in connection that the run's CancelToken reaches.
class Session {
 public:
  virtual ~Session() = default;
  virtual pg::Statements& connection() = 0;
  virtual void begin(Isolation isolation) = 0;
};

// Counts the sessions that the source may have at once, and opens them.
class SessionFactory {
 public:
  // `where`: "host:port/database", for messages.
  SessionFactory(std::string where, int max_connections, CancelToken* cancel);
  virtual ~SessionFactory() = default;

  Permits::Permit permit() { return permits_.acquire(permit_wait_, cancel_); }
  virtual std::unique_ptr<Session> open() = 0;
  const std::string& where() const { return where_; }
  CancelToken* cancel_token() const { return cancel_; }
  int max_connections() const { return max_connections_; }
  void set_permit_wait(std::chrono::milliseconds wait) { permit_wait_ = wait; }

 protected:
  // Asks once whether the server is PostgreSQL.
  void check_once(pg::Statements& connection);

 private:
  const std::string where_;
  const int max_connections_;
  CancelToken* const cancel_;
  Permits permits_;
  std::chrono::milliseconds permit_wait_{60'000};
  std::atomic<bool> product_known_{false};
};

class LibpqSession : public Session {
 public:
  LibpqSession(const pg::Settings& settings, int lock_timeout, CancelToken* cancel);
  LibpqSession(const LibpqSession&) = delete;
  LibpqSession& operator=(const LibpqSession&) = delete;

  pg::Connection& connection() override { return connection_; }
  void begin(Isolation isolation) override;

 private:
  int lock_timeout_;
  pg::Connection connection_;
  std::optional<CancelToken::Registration> on_cancel_;  // last: unregistered before the connection goes
};

class LibpqSessions : public SessionFactory {
 public:
  // With Kerberos: sets the environment of the process, see identity/kerberos.
  LibpqSessions(const PostgresConnection& configured, int max_connections, CancelToken* cancel);

  std::unique_ptr<Session> open() override { return open_libpq(); }
  std::unique_ptr<LibpqSession> open_libpq();

 private:
  const pg::Settings settings_;
  LoginSecret password_;
  KerberosTickets* const tickets_;  // of the process; nullptr for logins by password
  const int lock_timeout_;
};

// Runs `body` in a savepoint, so that a failure leaves the transaction, and the snapshot with it, alive.
// keep_locks = false also undoes its settings and locks when it went well.
template <typename Body>
auto in_savepoint(pg::Statements& connection, bool keep_locks, Body body) {
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
