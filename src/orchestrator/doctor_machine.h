// The doctor's checks that need no connection: disk, workspace, memory, clock. Each gives its verdict, or throws Error
// for a failure. Called by the doctor only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/doctor_checks.h"

namespace pulk {

// `source_bytes`: what the source's tables have, 0 when unknown.
Verdict look_at_disk(const std::vector<std::string>& folders, std::int64_t source_bytes);
std::string ledger_of(const std::string& workspace);
Verdict look_at_workspace(const std::string& workspace);
// Only when there is a ledger. Takes no ownership: a look must not disturb a run.
Verdict look_at_owner(const std::string& workspace);
Verdict look_at_memory(std::int64_t budget);
Verdict look_at_clock();

}  // namespace pulk
