#include "pg/connection.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>

#include "base/strings.h"

namespace pulk::pg {
namespace {

constexpr int kInputBuffer = 256 << 10;
constexpr int kWakeBytes = 64 << 10;
constexpr int kPatienceMilliseconds = 2;

void no_notices(void*, const PGresult*) {}

std::string field_of(const PGresult* result, int code) {
  const char* text = result == nullptr ? nullptr : PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

// Waits up to `milliseconds`; false when nothing happened.
bool wait_for(int socket, short events, int milliseconds) {
  pollfd entry{socket, events, 0};
  return poll(&entry, 1, milliseconds) > 0;
}

PGconn* start_login(const Settings& settings) {
  const std::string port = std::to_string(settings.port);
  const std::pair<const char*, const char*> parameters[] = {
      {"host", settings.host.c_str()},
      {"port", port.c_str()},
      {"dbname", settings.database.c_str()},
      {"user", settings.username.c_str()},
      {"password", settings.password.reveal().c_str()},
      {"sslmode", settings.sslmode.c_str()},
      {"sslrootcert", settings.sslrootcert.c_str()},
      {"sslcert", settings.sslcert.c_str()},
      {"sslkey", settings.sslkey.c_str()},
      {"krbsrvname", settings.krbsrvname.c_str()},
      {"gssencmode", settings.gssencmode.c_str()},
      {"application_name", settings.application_name.c_str()},
      {"client_encoding", "UTF8"},
      {"keepalives", "1"},
      {"keepalives_idle", "30"},
      {"keepalives_interval", "10"},
      {"keepalives_count", "3"},
      {"tcp_user_timeout", "60000"},
  };
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : parameters) {
    if (*value == '\0') continue;
    keys.push_back(key);
    values.push_back(value);
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  // expand_dbname = 0: a database name is a name, never a connection string.
  return PQconnectStartParams(keys.data(), values.data(), 0);
}

// True when logged in, false when libpq gave up. libpq's own connect_timeout works only for its blocking calls.
bool finish_login(PGconn* connection, int timeout_seconds, const std::function<void()>& check) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_seconds);
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  for (;;) {
    if (check) check();
    if (std::chrono::steady_clock::now() > deadline) {
      throw SqlError(ErrorKind::retryable, "no answer within " + std::to_string(timeout_seconds) + " s", "",
                     "check host and port, or raise connect_timeout", "");
    }
    if (!wait_for(PQsocket(connection), state == PGRES_POLLING_READING ? POLLIN : POLLOUT, 200)) continue;
    state = PQconnectPoll(connection);
    if (state == PGRES_POLLING_OK) return true;
    if (state == PGRES_POLLING_FAILED) return false;
  }
}

}  // namespace

std::string_view Result::view(int row, int column) const {
  return {PQgetvalue(raw_.get(), row, column), static_cast<std::size_t>(PQgetlength(raw_.get(), row, column))};
}

std::int64_t Result::integer(int row, int column) const {
  const std::string_view text = view(row, column);
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorKind::internal, "expected an integer from the server, got '" + std::string(text) + "'");
  }
  return value;
}

double Result::real(int row, int column) const {
  const std::string_view text = view(row, column);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorKind::internal, "expected a number from the server, got '" + std::string(text) + "'");
  }
  return value;
}

Canceller::Canceller(PGconn* connection) : handle_(PQgetCancel(connection)), socket_(PQsocket(connection)) {}

Canceller::~Canceller() { PQfreeCancel(handle_); }

void Canceller::cancel() {
  // Held while asking: the statement that is cancelled cannot be followed by another one in the meantime.
  std::lock_guard lock(mutex_);
  if (!running_ || socket_ < 0) return;
  requested_ = true;
  char error[256];
  if (handle_ == nullptr || PQcancel(handle_, error, sizeof error) == 0) {
    shutdown(socket_, SHUT_RDWR);
    return;
  }
  std::thread([self = shared_from_this(), statement = statement_] {
    std::this_thread::sleep_for(std::chrono::seconds(2));
    self->end_connection_of(statement);
  }).detach();
}

void Canceller::end_connection_of(long statement) {
  std::lock_guard lock(mutex_);
  if (running_ && statement_ == statement && socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

void Canceller::begin_statement() {
  std::lock_guard lock(mutex_);
  running_ = true;
  ++statement_;
  requested_ = false;
}

void Canceller::end_statement() {
  std::lock_guard lock(mutex_);
  running_ = false;
}

void Canceller::closed() {
  std::lock_guard lock(mutex_);
  running_ = false;
  socket_ = -1;  // the number may belong to another connection soon
}

Connection::Connection(const Settings& settings, const std::function<void()>& check) {
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection(start_login(settings), PQfinish);
  if (!connection) throw Error(ErrorKind::retryable, "out of memory");
  // Verbose texts carry the SQLSTATE, the only way to tell a wrong password from a server that is down.
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  PQsetNoticeReceiver(connection.get(), no_notices, nullptr);
  if (PQstatus(connection.get()) == CONNECTION_BAD ||
      !finish_login(connection.get(), settings.connect_timeout, check)) {
    const bool needs_password = PQconnectionNeedsPassword(connection.get()) != 0;
    throw settings.principal.empty()
        ? login_error(PQerrorMessage(connection.get()), needs_password)
        : kerberos_login_error(PQerrorMessage(connection.get()), settings.principal, needs_password);
  }
  PQsetErrorVerbosity(connection.get(), PQERRORS_DEFAULT);
  if (PQsetnonblocking(connection.get(), 0) != 0) throw Error(ErrorKind::internal, "libpq stays non-blocking");
  canceller_ = std::shared_ptr<Canceller>(new Canceller(connection.get()));
  raw_ = connection.release();
}

Connection::~Connection() {
  canceller_->closed();
  PQfinish(raw_);
}

void Connection::fail(const PGresult* result) const {
  ServerMessage message{field_of(result, PG_DIAG_SQLSTATE), field_of(result, PG_DIAG_MESSAGE_PRIMARY),
                        field_of(result, PG_DIAG_MESSAGE_DETAIL), field_of(result, PG_DIAG_MESSAGE_HINT)};
  const bool interrupted = canceller_->requested();
  if (message.sqlstate.empty()) {
    if (interrupted) message.sqlstate = "57014";  // the socket was shut down to wake us
    message.text = std::string(trim(PQerrorMessage(raw_)));
  }
  throw to_error(message, interrupted);
}

Result Connection::checked(PGresult* raw) {
  Result result(raw);
  canceller_->end_statement();
  const ExecStatusType status = PQresultStatus(raw);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(raw);
  return result;
}

Result Connection::exec(const std::string& sql) {
  canceller_->begin_statement();
  return checked(PQexec(raw_, sql.c_str()));
}

Result Connection::query(const std::string& sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  canceller_->begin_statement();
  return checked(
      PQexecParams(raw_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0));
}

std::vector<Field> Connection::describe(const std::string& sql) {
  canceller_->begin_statement();
  checked(PQprepare(raw_, "", sql.c_str(), 0, nullptr));
  canceller_->begin_statement();
  const Result result = checked(PQdescribePrepared(raw_, ""));
  if (PQnparams(result.raw()) > 0) {
    throw Error(ErrorKind::usage, "the query has parameters ($1 ...), which have no values here");
  }
  std::vector<Field> fields;
  for (int i = 0; i < result.columns(); ++i) {
    fields.push_back({PQfname(result.raw(), i), PQftype(result.raw(), i), PQfmod(result.raw(), i)});
  }
  return fields;
}

bool Connection::alive() {
  if (PQstatus(raw_) != CONNECTION_OK) return false;
  // An idle session says nothing, unless the server ends it: then there is a message and an end of file to read.
  if (!wait_for(PQsocket(raw_), POLLIN, 0)) return true;
  return PQconsumeInput(raw_) == 1 && PQstatus(raw_) == CONNECTION_OK && !hung_up();
}

bool Connection::hung_up() const {
  pollfd entry{PQsocket(raw_), POLLRDHUP, 0};
  return poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

std::string Connection::parameter(const char* name) const {
  const char* value = PQparameterStatus(raw_, name);
  return value == nullptr ? "" : value;
}

bool Connection::encrypted() const { return PQsslInUse(raw_) != 0 || PQgssEncInUse(raw_) != 0; }

std::string Connection::host() const {
  const char* host = PQhost(raw_);
  return host == nullptr ? "" : host;
}

bool Connection::local() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(PQsocket(raw_), reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  if (address.ss_family == AF_UNIX) return true;
  const char* text = PQhostaddr(raw_);
  const std::string_view host = text == nullptr ? "" : text;
  return host.starts_with("127.") || host == "::1";
}

// libpq reads at most what its buffer holds, 16 KiB at first. The buffer grows with the largest message and stays.
void Connection::grow_input_buffer() {
  if (large_input_buffer_) return;
  exec("SELECT pg_catalog.repeat('x', " + std::to_string(kInputBuffer) + ")");
  large_input_buffer_ = true;
}

CopyOut::CopyOut(Connection& connection, const std::string& sql) : connection_(connection) {
  connection_.grow_input_buffer();
  connection_.canceller_->begin_statement();
  const Result result(PQexec(connection_.raw_, sql.c_str()));
  if (PQresultStatus(result.raw()) != PGRES_COPY_OUT) {
    connection_.canceller_->end_statement();
    connection_.fail(result.raw());
  }
  wake_at(kWakeBytes);
}

CopyOut::~CopyOut() {
  release();
  wake_at(1);
  // A server that filters many rows writes seldom, and would notice a closed socket late.
  if (!finished_ && !failed_) connection_.canceller_->cancel();
  connection_.canceller_->end_statement();
}

void CopyOut::release() {
  if (buffer_ != nullptr) PQfreemem(buffer_);
  buffer_ = nullptr;
}

// Only saves work: where it is refused, or has no effect, as on sockets that are files, all goes on without it.
void CopyOut::wake_at(int bytes) {
  setsockopt(PQsocket(connection_.raw_), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

void CopyOut::wait_for_bytes() {
  const int socket = PQsocket(connection_.raw_);
  if (!wait_for(socket, POLLIN, kPatienceMilliseconds)) {
    int waiting = 0;
    // Once more to libpq before sleeping: the TLS layer may hold bytes that the socket no longer shows.
    if (quiet_ && ioctl(socket, FIONREAD, &waiting) == 0 && waiting == 0) {
      wake_at(1);
      wait_for(socket, POLLIN, -1);
      wake_at(kWakeBytes);
    }
    quiet_ = true;
  }
  if (PQconsumeInput(connection_.raw_) == 1) return;
  failed_ = true;
  connection_.fail(nullptr);
}

std::optional<std::string_view> CopyOut::next() {
  release();
  if (finished_) return std::nullopt;
  int size = 0;
  while ((size = PQgetCopyData(connection_.raw_, &buffer_, 1)) == 0) wait_for_bytes();
  quiet_ = false;
  // The request to cancel may be lost on its way; rows that still arrive are not waited out.
  if (connection_.canceller_->requested() && size >= 0) {
    failed_ = true;
    throw to_error({"57014", "", "", ""}, true);
  }
  if (size > 0) return std::string_view(buffer_, static_cast<std::size_t>(size));
  wake_at(1);  // what follows waits for a few bytes
  if (size == -1) {
    const Result result(PQgetResult(connection_.raw_));
    if (PQresultStatus(result.raw()) == PGRES_COMMAND_OK) {
      const std::string_view rows = PQcmdTuples(result.raw());
      std::from_chars(rows.data(), rows.data() + rows.size(), rows_reported_);
      while (PGresult* more = PQgetResult(connection_.raw_)) PQclear(more);
      connection_.canceller_->end_statement();
      finished_ = true;
      return std::nullopt;
    }
    failed_ = true;
    connection_.fail(result.raw());
  }
  failed_ = true;
  connection_.fail(nullptr);
}

}  // namespace pulk::pg
