// `pulk doctor`: named checks of everything that a run needs, from the files to the clock. Nothing is changed on either
// side. Checks that do not depend on a failed one go on; those that do are skipped, with the reason.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"

namespace pulk {

class CancelToken;

struct DoctorOptions {
  std::string workflow;  // file; "" when none was given
  std::string connections = "configuration.toml";
  std::string source, target;  // names of connections; "" = the only one
  std::string workspace = ".pulk";
  std::int64_t memory = 512LL << 20;
};

enum class CheckStatus { pass, warn, fail, skip };
std::string_view to_string(CheckStatus status);

struct Check {
  std::string name;
  CheckStatus status = CheckStatus::pass;
  double seconds = 0;
  std::string detail;                 // what was found; never a secret (I4)
  std::string fix;                    // the next step; "" when there is nothing to mend
  ErrorKind kind = ErrorKind::usage;  // of a failure
};

// Makes all checks in order. `on_check` is called with each as soon as it is made. Throws Error only when cancelled.
std::vector<Check> diagnose(const DoctorOptions& options, CancelToken& cancel,
                            const std::function<void(const Check&)>& on_check);

// 0 when nothing failed, else the class of the gravest failure.
int exit_class(const std::vector<Check>& checks);

}  // namespace pulk
