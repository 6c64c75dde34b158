// The doctor's checks of Kerberos, from krb5.conf to the ticket for the service. Called by the doctor only.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "config/kerberos_identity.h"
#include "orchestrator/doctor_checks.h"

namespace pulk {

struct KerberosCheck {
  std::string name;
  std::string fix;  // for errors that bring none
  std::function<Verdict()> look;
};

// In this order, and none of use behind one that failed. `timeout`: for a KDC to take a connection; `cancelled` is
// called while a ticket is waited for, and may throw. Sets the environment of the process. The identity must outlive
// the checks.
std::vector<KerberosCheck> kerberos_checks(const KerberosIdentity& identity, std::chrono::seconds timeout,
                                           const std::function<void()>& cancelled);

// `service`: see kerberos_service_ticket().
Verdict look_at_service(const KerberosIdentity& identity, const std::string& service);

}  // namespace pulk
