// Checks a JSON value against a JSON Schema and says what is wrong in words for the person who wrote the value: all
// problems at once, each with its path, suggestions for unknown keys, and the schema's description as the hint.
// Knows the part of draft 2020-12 that pulk's own schemas use, and throws Error(internal) for any other keyword, so
// that a schema cannot promise what is not checked. Called by load_workflow. Pure functions.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace pulk {

// `file` goes before every path ("orders.json:tables[1].target").
void check_against_schema(const nlohmann::json& value, const nlohmann::json& schema, const std::string& file,
                          Problems& problems);

// A value for a message: JSON text, shortened when it is long.
std::string show_value(const nlohmann::json& value);

}  // namespace pulk
