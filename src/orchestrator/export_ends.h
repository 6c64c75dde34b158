// The two ends of an export, opened from what people wrote: the exports file, the environment and `.env`, and the
// connections file when the exports file names a source in it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/cancel.h"
#include "config/export_file.h"
#include "config/snowflake_connection.h"
#include "exporter/destination.h"
#include "exporter/export_source.h"
#include "exporter/unloader.h"

namespace pulk {

struct ExportEndsOptions {
  std::string env_file;     // "" looks for `.env` here and above
  std::string connections;  // the connections file
  int parallel = 4;
  std::int64_t memory = 512LL << 20;
};

// Members are in the order in which they need each other.
struct ExportEnds {
  std::unique_ptr<Destination> destination;
  std::optional<SnowflakeConnection> snowflake;  // when that is the source
  std::unique_ptr<ExportSource> source;
  std::unique_ptr<Unloader> unloader;  // when an export takes that road
};

// Throws Error with everything that is wrong with both ends, before either is asked for anything. Logs "Connecting to …"
// when it begins to connect. May start the program anew (snowflake::set_driver_environment), so it is called before
// there are threads.
std::unique_ptr<ExportEnds> open_export_ends(const ExportFile& file, const ExportEndsOptions& options,
                                             CancelToken& cancel);

}  // namespace pulk
