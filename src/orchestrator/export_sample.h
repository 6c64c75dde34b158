// `pulk export --sample`: writes a sample without any database, to see what files look like and whether the bucket can
// be written to.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/cancel.h"

namespace pulk {

struct SampleOptions {
  bool to_bucket = false;             // else test_orders.parquet, test_orders.csv, test_customers.parquet here
  std::optional<std::uint64_t> seed;  // rows and moments are then always the same
  std::string env_file;
  bool unicode = true;  // a ✓ before each file, else "ok"
};

// `say` is called with each line for people. Throws Error; files that were written before stay.
void export_sample(const SampleOptions& options, const std::function<void(const std::string&)>& say,
                   CancelToken& cancel);

}  // namespace pulk
