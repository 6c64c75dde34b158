// A flag that asks every long operation of a run to end. Set by a signal, by `--on-failure stop`, or by an error
// that ends the run; read by lanes between batches. Those who block elsewhere (a source query) register a callback.
// Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

namespace pulk {

class CancelToken {
 public:
  // Runs every registered callback once, on the calling thread.
  void cancel();
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }
  // Throws Error(retryable, "interrupted") when cancelled.
  void check() const;

  // While it lives, `on_cancel` is called when the token is cancelled (at once when it already is). `on_cancel` must
  // be safe to call from another thread; it never runs after the destructor has returned.
  class Registration {
   public:
    Registration(CancelToken& token, std::function<void()> on_cancel);
    ~Registration();
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    CancelToken& token_;
    unsigned long id_;
  };

 private:
  friend class Registration;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  unsigned long next_id_ = 1;
  std::map<unsigned long, std::function<void()>> callbacks_;
};

}  // namespace pulk
