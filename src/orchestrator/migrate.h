// `pulk migrate` without its flags and its display: plans, starts or resumes a run, and says what came of it.
#pragma once

#include <string>
#include <vector>

#include "engine/progress.h"
#include "engine/runner.h"
#include "orchestrator/options.h"
#include "orchestrator/validate.h"

namespace pulk {

class CancelToken;

struct MigrateResult {
  std::string run;
  std::string workflow;
  bool resumed = false;
  bool trial = false;
  std::string source, target;   // for people
  RunOutcome outcome;
  double plan_seconds = 0;
  std::optional<ValidateResult> validation;  // when it was asked for
};

// Throws Error when nothing was started; failures of single tables are in the result.
MigrateResult migrate(const MigrateOptions& options, CancelToken& cancel, Progress& progress);

// The exit class of a run: 0, or the gravest class among its failed tables.
int exit_class(const RunOutcome& outcome);
// The same with the validation of what was moved.
int exit_class(const MigrateResult& result);

}  // namespace pulk
