// The configuration of a run as it is remembered in the ledger, to refuse a resume with another one. No secrets: names
// and choices that decide which rows go where.
#pragma once

#include <string>
#include <vector>

#include "config/workflow.h"
#include "orchestrator/options.h"

namespace pulk {

// JSON text. `source_identity` names the server's data, `target` where it goes.
std::string run_config(const std::vector<TableConfig>& tables, const MigrateOptions& options,
                       const std::string& source_identity, const std::string& target);

// One line per difference: "tables[0].whereClauseCriteria: was "a = 1", is now "a = 2"".
std::vector<std::string> config_differences(const std::string& before, const std::string& now);

}  // namespace pulk
