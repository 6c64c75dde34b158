// The other road: the warehouse writes the files of an export by itself, into a stage that lies over the destination.
// pulk plans the columns, names the files, and looks at what has arrived.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "config/export_file.h"
#include "config/snowflake_connection.h"
#include "exporter/destination.h"
#include "exporter/export_source.h"
#include "stage/stage.h"

namespace pulk {

// Thread-safe.
class Unloader {
 public:
  virtual ~Unloader() = default;

  struct Plan {
    std::string query;  // what is unloaded, conversions and all
    ExportShape shape;
  };
  // As ExportSource::describe().
  virtual Plan plan(const ExportEntry& entry) = 0;

  // Writes the files of a folder, whose paths below the destination begin with `path`, or the one file `path`. They are
  // seen as soon as the warehouse has written each. Rows are the warehouse's count, sizes are what the destination has;
  // there are no digests. Without rows no file is made.
  virtual std::vector<StagedFile> unload(const ExportEntry& entry, const Plan& plan, const std::string& path) = 0;
};

// `stage` is as written in the exports file. Throws Error(usage) when it does not lie over the destination, and what
// asking for it throws. What is given must outlive the unloader; `cancel` may be null.
std::unique_ptr<Unloader> make_snowflake_unloader(const SnowflakeConnection& connection, const std::string& stage,
                                                  Destination& destination, CancelToken* cancel);

}  // namespace pulk
