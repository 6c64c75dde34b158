// Names in Snowflake: those that people write, and those that pulk gives to its own things. Pure functions.
#pragma once

#include <string>

#include "catalog/identifier.h"
#include "warehouse/marks.h"

namespace pulk::snowflake {

// The schema of pulk's own tables and stages, one in each database that has a target.
inline constexpr const char* kOwnSchema = "_PULK";
// The column of a staging table that says which partition a row came with.
inline constexpr const char* kPartitionColumn = "_PULK_PARTITION";

// A name that could be written without quotes is upper case, as if it had been; any other one, and one in quotes, is
// exact.
std::string fold_name(const WrittenName& name);

Marks::Target target_of(const QualifiedName& table);
std::string full_name(const std::string& database, const std::string& schema, const std::string& name);
std::string full_name(const QualifiedName& table);
std::string own_prefix(const std::string& database);  // "DB"."_PULK".

// Of one table of one run, in the own schema.
std::string staging_name(const std::string& run, const QualifiedName& target);
std::string stage_name(const std::string& run, const QualifiedName& target);
// Of a table, or a schema, that is made and removed at once to see whether that is possible; beside the target.
std::string trial_name(const std::string& run, const QualifiedName& target);
// The folder of one table of one run on a stage of the user's: "pulk/<run>_<table>/".
std::string run_folder(const std::string& run, const QualifiedName& target);
// Where the files of one table of one run are: on a stage of pulk's own, or below `users`.
std::string stage_place(const std::string& users, const std::string& run, const QualifiedName& target);

// The name of the transactions of a run, by which its successor finds what it left open.
std::string transaction_name(const std::string& run);

}  // namespace pulk::snowflake
