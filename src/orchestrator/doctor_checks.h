// The list that `pulk doctor` makes: each check is run, timed and told as soon as it is made. Belongs to one thread;
// called by the doctor's files only.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "orchestrator/doctor.h"
#include "orchestrator/known_secrets.h"

namespace pulk {

// What a check came to, before it has a name and a time.
struct Verdict {
  CheckStatus status = CheckStatus::pass;
  std::string detail, fix;
  ErrorKind kind = ErrorKind::usage;
};

inline Verdict passed(std::string detail) { return {CheckStatus::pass, std::move(detail), "", ErrorKind::usage}; }
inline Verdict warned(std::string detail, std::string fix) {
  return {CheckStatus::warn, std::move(detail), std::move(fix), ErrorKind::usage};
}

class DoctorChecks {
 public:
  // Both must outlive the list.
  DoctorChecks(CancelToken& cancel, const std::function<void(const Check&)>& on_check)
      : cancel_(cancel), on_check_(on_check) {}

  // An Error that `look` throws is a failure; `fix` is for errors that bring no hint. True when the check did not fail.
  // Throws Error when cancelled.
  bool check(const std::string& name, const std::string& fix, const std::function<Verdict()>& look);
  void skip(const std::string& name, const std::string& why);

  CancelToken& cancel() { return cancel_; }
  KnownSecrets& secrets() { return secrets_; }
  std::vector<Check> take() { return std::move(checks_); }

 private:
  void report(Check one);

  CancelToken& cancel_;
  const std::function<void(const Check&)>& on_check_;
  std::vector<Check> checks_;
  KnownSecrets secrets_;
};

}  // namespace pulk
