// The result of a validation, for people and as JSON. Both hold values of rows that differ.
#pragma once

#include <string>

#include "orchestrator/validate.h"

namespace pulk {

std::string validation_text(const ValidateResult& result);
std::string validation_json(const ValidateResult& result);

// Writes the JSON in one rename. Throws Error(usage).
void write_report(const ValidateResult& result, const std::string& path);

}  // namespace pulk
