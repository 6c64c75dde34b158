// A file that an extraction left on a stage: what the ledger stores, the warehouse loads and a manifest lists. A value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pulk {

struct StagedFile {
  std::string name;         // relative to the stage: "p00001-a1-001.parquet"
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::string digest;       // XXH3-128 of the bytes, hex
  bool operator==(const StagedFile&) const = default;
};

inline std::vector<std::string> names_of(const std::vector<StagedFile>& files) {
  std::vector<std::string> names;
  for (const StagedFile& file : files) names.push_back(file.name);
  return names;
}

}  // namespace pulk
