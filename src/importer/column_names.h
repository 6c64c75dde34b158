// Columns of a file against those of the table. Pure functions.
#pragma once

#include <string>
#include <vector>

namespace pulk {

// The position of the name among `columns`: written alike, or, when there is one only, alike but for the case of
// letters, because Snowflake writes names that were not quoted in capitals. -1 when there is none.
int find_column(const std::vector<std::string>& columns, const std::string& name);

// "the table has no column NAMES", and what may have been meant.
struct NoColumn {
  std::string what, hint;
};
NoColumn no_column(const std::vector<std::string>& columns, const std::string& name);

}  // namespace pulk
