// The doctor's check of a token of Entra ID. Called by the doctor only.
#pragma once

#include <string>

#include "config/entra_identity.h"
#include "orchestrator/doctor_checks.h"

namespace pulk {

// Asks for one, unless one is kept, and tells for whom it is and when it ends, never itself. `audience`: what it must
// begin with,
// "" for any. Throws what EntraTokens::token() throws.
Verdict look_at_token(const EntraIdentity& identity, const std::string& audience);

}  // namespace pulk
