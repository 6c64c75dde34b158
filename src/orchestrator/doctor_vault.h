// The doctor's checks of the Vault that the connections file refers to: address, login, each secret with its keys.
// Called by the doctor only.
#pragma once

#include <string>

#include "orchestrator/doctor_checks.h"

namespace pulk {

// None for a file without such references. "" when every reference has a value, else the name of the check that failed.
std::string check_vault(DoctorChecks& checks, const std::string& connections);

}  // namespace pulk
