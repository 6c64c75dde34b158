#include "cli/signals.h"

#include <signal.h>
#include <unistd.h>

#include <utility>

#include "base/cancel.h"
#include "base/log.h"

namespace pulk {

namespace {

// The signal that tells the waiting thread to end; not one that a person sends.
constexpr int kEnd = SIGUSR2;

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, kEnd);
  return set;
}

}  // namespace

SignalGuard::SignalGuard(CancelToken& cancel, std::string said) {
  const sigset_t set = watched();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([&cancel, set, said = std::move(said)] {
    std::thread asking;
    for (bool first = true;; first = false) {
      int signal = 0;
      ::sigwait(&set, &signal);
      if (signal == kEnd) {
        if (asking.joinable()) asking.join();
        return;
      }
      if (!first) ::_exit(130);
      log_warning(said);
      // On a thread of its own: asking a server to cancel may block, and a second signal must still be seen.
      asking = std::thread([&cancel] { cancel.cancel(); });
    }
  });
}

SignalGuard::~SignalGuard() {
  ::pthread_kill(thread_.native_handle(), kEnd);
  thread_.join();
}

}  // namespace pulk
