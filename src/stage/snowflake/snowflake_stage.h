// A stage in Snowflake. A file is written to a folder of this machine first, put onto the stage when it is complete,
// looked for there by name and size, and then removed here.
//
// Threads: as Stage says; each thread that uploads has a session of its own meanwhile, kept for the next one.
#pragma once

#include <memory>
#include <string>

#include "base/cancel.h"
#include "config/snowflake_connection.h"
#include "stage/stage.h"

namespace pulk {

// `place` as COPY reads it, with a slash at its end: @"DB"."_PULK"."FILES_…"/. It must exist when the first file is
// finished; list() of one that does not is empty. `tag` is the QUERY_TAG. `keep`: remove() leaves the files there.
std::unique_ptr<Stage> make_snowflake_stage(const SnowflakeConnection& connection, std::string place,
                                            std::string local_folder, std::string tag, bool keep, CancelToken* cancel);

}  // namespace pulk
