// SIGINT and SIGTERM end a run cleanly; a second one ends the process at once. Make it before any thread is started:
// the signals are blocked in all threads and waited for by one.
#pragma once

#include <string>
#include <thread>

namespace pulk {

class CancelToken;

class SignalGuard {
 public:
  explicit SignalGuard(CancelToken& cancel,
                       std::string said = "stopping; what is done is kept, run the same command again to resume (once "
                                          "more to stop at once)");
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  std::thread thread_;
};

}  // namespace pulk
