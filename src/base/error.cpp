#include "base/error.h"

#include <utility>

namespace pulk {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return "usage";
    case ErrorKind::retryable: return "retryable";
    case ErrorKind::integrity: return "integrity";
    case ErrorKind::drift: return "drift";
    case ErrorKind::refused: return "refused";
    case ErrorKind::internal: return "internal";
  }
  return "internal";
}

Error::Error(ErrorKind kind, std::string message, std::string subject, std::string hint)
    : kind_(kind), message_(std::move(message)), subject_(std::move(subject)), hint_(std::move(hint)) {
  if (!subject_.empty()) text_ = subject_ + ": ";
  text_ += message_;
  if (!hint_.empty()) text_ += "\n  hint: " + hint_;
}

Error Error::with_subject(std::string_view outer) const {
  std::string joined(outer);
  if (!subject_.empty() && subject_ != outer) joined += ": " + subject_;
  Error named(kind_, message_, joined, hint_);
  named.final_ = final_;
  return named;
}

Error Error::as_final() const {
  Error error = *this;
  error.final_ = true;
  return error;
}

void Problems::add(std::string where, std::string what, std::string hint) {
  list_.push_back({std::move(where), std::move(what), std::move(hint)});
}

void Problems::add(const Problems& more) {
  list_.insert(list_.end(), more.list_.begin(), more.list_.end());
}

void Problems::throw_if_any(ErrorKind kind) const {
  if (list_.empty()) return;
  if (list_.size() == 1) throw Error(kind, list_[0].what, list_[0].where, list_[0].hint);
  std::string text = std::to_string(list_.size()) + " problems:";
  for (const Problem& problem : list_) {
    text += "\n  " + problem.where + ": " + problem.what;
    if (!problem.hint.empty()) text += "\n    hint: " + problem.hint;
  }
  throw Error(kind, text);
}

}  // namespace pulk
