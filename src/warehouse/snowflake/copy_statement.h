// The COPY of a run, as text. Pure function; used by loads, and by the probes of `pulk doctor --prove`.
#pragma once

#include <string>
#include <vector>

namespace pulk::snowflake {

// Loads these files of `place` into `columns` of `table` (quoted in full), each by its expression over $1, and
// `partition` into the column of the partition. FORCE: whether Snowflake remembers a file of this name decides nothing,
// the mark does. NULL_IF: by default the text \N would become NULL. What is not written here may come from the
// COPY_OPTIONS of a user's stage, so the options that cut values, remove files or leave them out of the answer are.
std::string copy_statement(const std::string& table, const std::vector<std::string>& columns,
                           const std::vector<std::string>& expressions, int partition, const std::string& place,
                           const std::vector<std::string>& files);

}  // namespace pulk::snowflake
