// What a person chose on the command line for `plan` and `migrate`. Values only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/encoding.h"

namespace pulk {

struct MigrateOptions {
  std::string workflow;                          // file
  std::string connections = "configuration.toml";
  std::string source, target;                    // names of connections; "" = the only one
  std::string workspace = ".pulk";
  std::vector<std::string> only;                 // labels of tables; empty: all
  std::optional<int> parallel;
  std::optional<int> max_source_connections;
  std::int64_t memory = 512LL << 20;
  std::int64_t max_cell = 256LL << 20;
  std::int64_t spool_limit = 16LL << 30;
  EncodeOptions encode;
  int retries = 4;
  bool stop_on_failure = false;
  bool append = false;
  bool restart = false;
  bool verify_count = true;
  bool source_quiet = false;
  std::int64_t sample_rows = 0;
  double max_snapshot_age = 0;                   // seconds; 0: no limit
  std::chrono::seconds lease{60};
  std::chrono::seconds lock_wait{30};            // for a target that another process has open
  std::string summary_file;
  bool validate = false;                         // compare each table with the source, in the snapshot it was read in
  std::string report_file;                       // of the comparison, as JSON
};

}  // namespace pulk
