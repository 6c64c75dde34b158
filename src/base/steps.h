// The named steps of a partition's and a table's life, in order. Each is a place where the process may die: the crash
// tests set PULK_CRASH_AT=<step>[:n] to be killed with SIGKILL at the n-th passing (default 1), and
// PULK_STOP_AT=<step>[:n] to be stopped with SIGSTOP there. Every passing can be recorded by
// PULK_STEP_LOG=<file>, one line per step. Without these variables a step costs one atomic load.
#pragma once

#include <string_view>
#include <vector>

namespace pulk {

void step(std::string_view name);

// All names that step() may be called with; step() refuses others in every build so that tests see the whole list.
const std::vector<std::string_view>& all_steps();

}  // namespace pulk
