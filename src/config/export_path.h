// Paths below a destination, as a person writes them.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"

namespace pulk {

// Why `path` can be neither a key nor a file below a folder: it is a whole address, begins with a slash, is too long
// for S3, or has a control character or a part that is empty, "." or "..". Its `where` is "". A slash at the end is fine.
std::optional<Problem> problem_of_path(const std::string& path);

}  // namespace pulk
