// What an export's columns are called, and which of them are meant by `partition_by`. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "config/export_file.h"

namespace arrow {
class Schema;
}

namespace pulk {

// Throws Error(refused) that lists the columns without a name and the names that stand twice: in Parquet and JSON
// readers find a column by its name only. CSV may have them.
void check_column_names(const ExportEntry& entry, const arrow::Schema& schema);

// The columns of `partition_by`, in its order: the name as it is written, else the one that is equal but for the case
// of letters; in quotes it is exact. Throws Error(usage) that lists what is not there or could be two columns.
std::vector<int> partition_columns(const ExportEntry& entry, const arrow::Schema& schema);

}  // namespace pulk
