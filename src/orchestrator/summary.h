// What came of a run, as tables for people and as JSON for `--summary`.
#pragma once

#include <string>

#include "orchestrator/migrate.h"

namespace pulk {

// A table per table and one per step, with a closing line. Plain text, no colour.
std::string summary_text(const MigrateResult& result);
std::string summary_json(const MigrateResult& result);
// Written to a temporary name and renamed. Throws Error(usage) when it cannot be written.
void write_summary(const MigrateResult& result, const std::string& path);

}  // namespace pulk
