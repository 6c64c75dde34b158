// The doctor's checks of the target: from the driver or library to a login, or a folder that can be written to. Called
// by the doctor only.
#pragma once

#include <memory>
#include <string>

#include "config/connections.h"
#include "orchestrator/doctor_checks.h"
#include "warehouse/warehouse.h"

namespace pulk {

struct LookedAtTarget {
  std::unique_ptr<Warehouse> warehouse;       // set when a target is configured
  std::unique_ptr<WarehouseSession> session;  // set when it opens
  bool in_cloud = false;                      // it takes no room on this machine
};

// `connections` is null when the file cannot be used.
LookedAtTarget check_target(DoctorChecks& checks, const ConnectionsFile* connections, const std::string& wanted);

}  // namespace pulk
