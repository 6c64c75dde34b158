#include "base/cancel.h"

#include <utility>

#include "base/error.h"

namespace pulk {

void CancelToken::cancel() {
  std::lock_guard lock(mutex_);
  if (cancelled_.exchange(true)) return;
  for (auto& [id, callback] : callbacks_) callback();
}

void CancelToken::check() const {
  if (cancelled()) throw Error(ErrorKind::retryable, "interrupted", "", "run the same command again to resume");
}

CancelToken::Registration::Registration(CancelToken& token, std::function<void()> on_cancel) : token_(token) {
  std::lock_guard lock(token_.mutex_);
  id_ = token_.next_id_++;
  if (token_.cancelled()) on_cancel();
  token_.callbacks_.emplace(id_, std::move(on_cancel));
}

CancelToken::Registration::~Registration() {
  std::lock_guard lock(token_.mutex_);
  token_.callbacks_.erase(id_);
}

}  // namespace pulk
