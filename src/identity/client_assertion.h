// A signed statement that a program makes of itself with its certificate: a JWT with RS256. Source: "Microsoft identity
// platform application authentication certificate credentials". Pure function of file and clock.
#pragma once

#include <string>

#include "base/secret.h"

namespace pulk {

// `pem_file` has a certificate and its RSA private key, not encrypted. Throws Error(usage) when it has not.
Secret client_assertion(const std::string& pem_file, const std::string& client_id, const std::string& audience);

}  // namespace pulk
