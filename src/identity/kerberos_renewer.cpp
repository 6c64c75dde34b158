#include "identity/kerberos_renewer.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "identity/kerberos_cache.h"
#include "identity/kerberos_request.h"

namespace pulk {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr seconds kLongest{3600};  // between two tickets, when nothing else is said
constexpr seconds kAway{3};        // less with tickets that live for seconds
constexpr seconds kRefused{60};
constexpr auto kStep = 200ms;   // between two calls of `check`
constexpr auto kSlice = 60s;    // a sleeping machine must not make a wait longer than this
constexpr auto kPatience = 2s;  // with a question that is under way at the end
// A login takes a while: a ticket that ends within this is not begun with.
std::chrono::nanoseconds margin(seconds life) {
  return std::min(std::chrono::nanoseconds(10s), std::chrono::nanoseconds(life) / 20);
}

}  // namespace

KerberosRenewer::Instant KerberosRenewer::now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

bool KerberosRenewer::holds() const { return now() < ends_; }

void KerberosRenewer::ensure(const std::function<void()>& check) {
  std::unique_lock lock(mutex_);
  if (!started_) {
    started_ = true;
    thread_ = std::thread([self = shared_from_this()] { self->work(); });
  }
  // An answer counts when its question was put after this call, or when there is no point in another one so soon.
  const long before = begun_;
  while (!holds()) {
    if (failure_ && (finished_ > before || (failure_->kind() != ErrorKind::retryable && now() < next_)))
      throw *failure_;
    wanted_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, kStep);
    if (!check) continue;
    lock.unlock();
    check();
    lock.lock();
  }
}

void KerberosRenewer::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  const bool ended = !started_ || changed_.wait_for(lock, kPatience, [&] { return ended_; });
  destroy_memory_cache();
  lock.unlock();
  if (!thread_.joinable()) return;
  if (ended)
    thread_.join();
  else
    thread_.detach();
}

void KerberosRenewer::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    // Nothing is asked twice within the pause behind a failure.
    const bool due = now() >= next_ || (wanted_ && !holds() && !failure_);
    if (!due) {
      changed_.wait_for(lock, std::clamp<std::chrono::nanoseconds>(next_ - now(), 1ms, kSlice));
      continue;
    }
    wanted_ = false;
    ++begun_;
    lock.unlock();
    ask();
    lock.lock();
    finished_ = begun_;
    changed_.notify_all();
  }
  ended_ = true;
  changed_.notify_all();
}

void KerberosRenewer::ask() {
  try {
    const Krb5Context context;
    GrantedTicket ticket = keytab_.log_in([&](const Secret& keytab) {
      KerberosIdentity identity = identity_;
      identity.keytab = keytab;
      return request_ticket(context, identity);
    });
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    replace_ticket(context, *ticket.creds.get());
    granted(ticket.life);
  } catch (const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!stopping_) failed(error);
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    if (!stopping_) failed(Error(ErrorKind::internal, error.what()));
  }
}

void KerberosRenewer::granted(seconds life) {
  const std::chrono::nanoseconds half = std::max<std::chrono::nanoseconds>(life, 1s) / 2;
  const seconds wish = identity_.renew_every > 0 ? seconds(identity_.renew_every) : kLongest;
  life_ = life;
  ends_ = now() + life - margin(life);
  next_ = now() + std::min<std::chrono::nanoseconds>(wish, half);
  const std::string what = fmt::format("Kerberos: a ticket for {}, for {} s", identity_.principal, life.count());
  if (failure_)
    log_info(what);
  else
    log_debug(what);
  failure_.reset();
  told_ = false;
}

void KerberosRenewer::failed(const Error& error) {
  const std::chrono::nanoseconds pause =
      error.kind() == ErrorKind::retryable
          ? std::min(std::chrono::nanoseconds(kAway), std::chrono::nanoseconds(life_) / 6)
          : std::chrono::nanoseconds(kRefused);
  const std::string what = error.subject() + ": " + error.message();
  // A line when an outage begins and one when it hurts, not one for each attempt.
  const bool held = holds();
  if (held && !failure_)
    log_warning(fmt::format("{}; the present ticket holds for another {} s, and a new one is asked for until then",
                            what, std::chrono::duration_cast<seconds>(ends_ - now()).count()));
  else if (!held && !told_ && ends_ > Instant(0))
    log_warning(what + "; the ticket has ended, and new sessions have to wait for another");
  told_ = !held;
  failure_ = error;
  next_ = now() + pause;
}

}  // namespace pulk
