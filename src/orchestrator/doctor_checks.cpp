#include "orchestrator/doctor_checks.h"

#include <chrono>

#include "base/error.h"
#include "engine/loader.h"

namespace pulk {

bool DoctorChecks::check(const std::string& name, const std::string& fix, const std::function<Verdict()>& look) {
  using Clock = std::chrono::steady_clock;
  cancel_.check();
  const auto start = Clock::now();
  Verdict verdict;
  try {
    verdict = look();
  } catch (...) {
    cancel_.check();
    const Error error = as_error(std::current_exception());
    verdict = {CheckStatus::fail, (error.subject().empty() ? "" : error.subject() + ": ") + error.message(),
               error.hint().empty() ? fix : error.hint(), error.kind()};
  }
  report({name, verdict.status, std::chrono::duration<double>(Clock::now() - start).count(),
          secrets_.without(verdict.detail), secrets_.without(verdict.fix), verdict.kind});
  return verdict.status != CheckStatus::fail;
}

void DoctorChecks::skip(const std::string& name, const std::string& why) {
  report({name, CheckStatus::skip, 0, why, "", ErrorKind::usage});
}

void DoctorChecks::report(Check one) {
  checks_.push_back(std::move(one));
  on_check_(checks_.back());
}

}  // namespace pulk
