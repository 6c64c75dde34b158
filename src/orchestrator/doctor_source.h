// The doctor's checks of the source: from the driver to what its snapshot can promise. Called by the doctor only.
#pragma once

#include <memory>
#include <string>

#include "config/connections.h"
#include "orchestrator/doctor_checks.h"
#include "source/source.h"

namespace pulk {

// `connections` is null when the file cannot be used. The source whose login worked, else null. `connections` must
// outlive it.
std::unique_ptr<Source> check_source(DoctorChecks& checks, const ConnectionsFile* connections,
                                     const std::string& wanted);

}  // namespace pulk
