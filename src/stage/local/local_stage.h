// A stage in a folder of this machine (or of a file system that all machines see). Files are 0600, written under a
// temporary name and renamed when they are complete and on disk, so a name on the stage always means a whole file.
#pragma once

#include <memory>
#include <string>

#include "stage/stage.h"

namespace pulk {

// The folder is created (0700) when the first file is. Throws Error(retryable) for a full disk, Error(usage) for a
// folder that cannot be written; so do the streams that it hands out (they throw, and never return a failed Status).
std::unique_ptr<Stage> make_local_stage(std::string folder);

}  // namespace pulk
