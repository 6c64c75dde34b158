// The thread that keeps the ticket of a keytab in the memory cache fresh.
//
// A ticket is renewed after `renew_every`, never later than at half of its life. A KDC that is away is asked again
// every few seconds; one that refuses only once a minute, because domains lock accounts after a few attempts. As long
// as the present ticket holds, nobody but the log hears of either.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/login_secret.h"
#include "config/kerberos_identity.h"

namespace pulk {

class KerberosRenewer : public std::enable_shared_from_this<KerberosRenewer> {
 public:
  explicit KerberosRenewer(const KerberosIdentity& identity) : identity_(identity), keytab_(identity.keytab) {}

  // See KerberosTickets::ensure(). Any thread.
  void ensure(const std::function<void()>& check);
  // Ends the thread, and wipes the ticket. A question to a KDC cannot be interrupted: the thread is left to it
  // when it takes more than a moment, and puts nothing into the cache any more.
  void stop();

 private:
  // Since the machine was started, its sleep included.
  using Instant = std::chrono::nanoseconds;
  static Instant now();

  void work();
  void ask();
  // Under the mutex:
  void granted(std::chrono::seconds life);
  void failed(const Error& error);
  bool holds() const;  // the present ticket

  const KerberosIdentity identity_;
  LoginSecret keytab_;  // a new one may be behind the reference by now
  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false, ended_ = false, stopping_ = false, wanted_ = false;
  bool told_ = false;  // that the ticket has ended
  std::thread thread_;
  long begun_ = 0, finished_ = 0;  // questions
  Instant ends_{0}, next_{0};
  std::chrono::seconds life_{3600};  // of the present ticket
  std::optional<Error> failure_;     // of the last question
};

}  // namespace pulk
