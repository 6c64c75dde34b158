// Does a column of a Parquet file deserve a dictionary? Pure: looks at the rows that will be the first row group.
#pragma once

#include <memory>
#include <vector>

namespace arrow {
class Array;
}

namespace pulk {

// `column`: the arrays of one column. A dictionary of values that hardly repeat costs a hash per value, twice the
// memory, and is given up half-way; compression alone serves such a column. Told from at most 8,192 values spread over
// all rows.
bool worth_a_dictionary(const std::vector<std::shared_ptr<arrow::Array>>& column);

}  // namespace pulk
