// One session with a PostgreSQL server over libpq. A thin RAII layer: statements block, results come as text, failures
// are thrown as SqlError. Used by the PostgreSQL source and by state kept in PostgreSQL.
//
// Threads: a Connection belongs to one thread at a time. Its Canceller may be used from any thread at any moment.
#pragma once

#include <libpq-fe.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "pg/statements.h"

namespace pulk::pg {

struct Settings {
  std::string host;
  int port = 5432;
  std::string database;
  std::string username;
  Secret password;
  std::string sslmode;
  std::string sslrootcert, sslcert, sslkey;
  std::string krbsrvname, gssencmode;
  std::string principal;  // of Kerberos, for messages; "" for logins by password
  std::string application_name;
  int connect_timeout = 15;  // seconds
};

// Stops the running statement of a connection. Outlives it safely.
class Canceller : public std::enable_shared_from_this<Canceller> {
 public:
  ~Canceller();
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;
  // Asks the server to cancel; when the server cannot be asked, or the statement has not ended two seconds later, ends
  // the connection, so that whoever waits for it wakes up. Does nothing when no statement runs.
  void cancel();
  bool requested() const noexcept { return requested_.load(std::memory_order_relaxed); }

 private:
  friend class Connection;
  friend class CopyOut;
  explicit Canceller(PGconn* connection);
  void begin_statement();
  void end_statement();
  void closed();
  void end_connection_of(long statement);

  std::mutex mutex_;
  PGcancel* handle_;
  int socket_;
  bool running_ = false;
  long statement_ = 0;  // counts them: a late end must not hit the next one
  std::atomic<bool> requested_{false};
};

class Connection : public Statements {
 public:
  // Logs in. `check` is called a few times a second while waiting and may throw. Throws SqlError.
  Connection(const Settings& settings, const std::function<void()>& check);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The simple protocol.
  Result exec(const std::string& sql) override;
  Result query(const std::string& sql, const std::vector<std::string>& parameters) override;
  std::vector<Field> describe(const std::string& sql) override;
  bool alive() override;
  bool hung_up() const override;
  int server_version() const override { return PQserverVersion(raw_); }
  std::string parameter(const char* name) const;
  bool encrypted() const;
  bool password_used() const { return PQconnectionUsedPassword(raw_) != 0; }
  bool local() const;  // a socket file or the loopback interface
  int announced_pid() const { return PQbackendPID(raw_); }
  std::string host() const;
  std::shared_ptr<Canceller> canceller() const { return canceller_; }
  PGconn* raw() const { return raw_; }

 private:
  friend class CopyOut;
  Result checked(PGresult* raw);
  [[noreturn]] void fail(const PGresult* result) const;
  void grow_input_buffer();

  PGconn* raw_ = nullptr;
  bool large_input_buffer_ = false;
  std::shared_ptr<Canceller> canceller_;
};

// The rows of COPY ... TO STDOUT, message by message. When it goes before the end, the statement is cancelled and the
// connection is of no further use.
//
// A server writes 8 KiB at a time, and a reader that wakes for each costs both sides dearly. So the socket wakes it for
// 64 KiB (SO_RCVLOWAT, see socket(7)), or after two milliseconds. Measured with lineitem over one connection on
// loopback: 5,000 to 20,000 wake-ups instead of 154,000, 0.6 instead of 1.7 s of processor time here, 9.2 instead
// of 11.7 s there.
class CopyOut {
 public:
  CopyOut(Connection& connection, const std::string& sql);
  ~CopyOut();
  CopyOut(const CopyOut&) = delete;
  CopyOut& operator=(const CopyOut&) = delete;

  // The next CopyData message, valid until the next call; empty after the last.
  std::optional<std::string_view> next();
  // Gives the memory of the last message back now.
  void drop_message() { release(); }
  bool finished() const { return finished_; }
  // "COPY n" of the server, after the last message.
  std::int64_t rows_reported() const { return rows_reported_; }

 private:
  void release();
  void wait_for_bytes();
  void wake_at(int bytes);
  Connection& connection_;
  char* buffer_ = nullptr;
  bool finished_ = false;
  bool failed_ = false;
  bool quiet_ = false;  // the last wait brought nothing
  std::int64_t rows_reported_ = -1;
};

}  // namespace pulk::pg
