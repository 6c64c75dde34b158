// SQL text for PostgreSQL: names, FROM and WHERE as every statement of the source writes them. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/table_plan.h"

namespace pulk::postgres {

// "schema"."table"
std::string qualified(const QualifiedName& name);

// A query of the user's without its trailing semicolons.
std::string bare_query(std::string_view query);

// What stands after FROM. `columns` names the output of a query by position, so that every one can be addressed.
std::string from_item(const SourceObject& object, const std::vector<std::string>& columns);

// '{...}' literals for parameters of type oid[] and int[].
std::string array_literal(const std::vector<std::string>& elements);

// False when the truth of a condition for one and the same row may change in time, or when that cannot be told:
// functions, subqueries, moving constants such as 'now'.
bool condition_is_timeless(std::string_view condition);

}  // namespace pulk::postgres
