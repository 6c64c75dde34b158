// Values that make the way of a run's values: pulk's carrier, encoder, stage, load expression and COPY.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catalog/logical_type.h"
#include "orchestrator/prove/bench.h"
#include "orchestrator/prove/probe.h"

namespace arrow {
class Array;
}

namespace pulk::prove {

// One column V with rows in order.
struct Values {
  LogicalType type;
  std::string mapped;                 // a mapping of a user's; "" for the natural type
  std::string json;                   // of the carrier, as Arrow's JSON has it: "[1, null]"
  std::string read;                   // SQL over V that gives text; "" reads V as the driver gives it
  std::vector<std::string> expected;  // by row; NULL is "NULL"
};

std::shared_ptr<arrow::Array> array_of(const Carrier& carrier, const std::string& json);

// A batch of two columns: N counts the rows from 1, V has `values`.
std::shared_ptr<arrow::RecordBatch> numbered(const std::shared_ptr<arrow::Array>& values);

// Loads a batch of numbered() into a new table; its full name. `deployed`: the type of V, "" for the one that `type` or
// `mapped` gives.
std::string load(Bench& bench, const std::string& table, const LogicalType& type, const std::string& mapped,
                 const std::string& deployed, const std::shared_ptr<arrow::RecordBatch>& batch);

// Loads the values, reads them and compares.
Finding same_values(Bench& bench, const std::string& table, const Values& values);

}  // namespace pulk::prove
