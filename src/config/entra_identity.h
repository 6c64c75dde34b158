// Who pulk is towards Microsoft Entra ID: the table keys azure_* and the variables AZURE_* that Microsoft's own clients
// read. Plain values.
#pragma once

#include <string>

#include "base/secret.h"

namespace pulk {

struct EntraIdentity {
  std::string where;                 // for messages: of the keys; "" when there are none
  std::string tenant, client_id;     // with a managed identity both may be ""
  Secret client_secret;              // one of these four
  std::string certificate_file;      // PEM with certificate and private key
  std::string federated_token_file;  // a token of another issuer: workload identity federation
  bool managed_identity = false;     // of the machine
  std::string scope;                 // "api://…/.default"
  std::string authority = "https://login.microsoftonline.com";
  bool given() const { return !where.empty(); }
};

}  // namespace pulk
