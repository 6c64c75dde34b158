#include "config/export_path.h"

#include <algorithm>

#include "base/strings.h"
#include "config/schema_check.h"

namespace pulk {
namespace {

constexpr std::size_t kLongestKey = 1024;  // bytes; S3's limit

}  // namespace

std::optional<Problem> problem_of_path(const std::string& path) {
  if (path.starts_with("s3://") || path.starts_with("file://"))
    return Problem{"", "is a whole address", "write only the key; `destination` or S3_BUCKET_NAME says where"};
  if (path.starts_with('/')) {
    const std::size_t begin = path.find_first_not_of('/');
    return Problem{"", "begins with a slash", begin == std::string::npos ? "" : "write " + show_value(path.substr(begin))};
  }
  if (path.size() > kLongestKey)
    return Problem{"", "has " + std::to_string(path.size()) + " bytes; a key has at most 1024", ""};
  if (std::any_of(path.begin(), path.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return Problem{"", "has a control character", ""};
  for (const std::string& part : split(path.ends_with('/') ? path.substr(0, path.size() - 1) : path, '/'))
    if (part.empty() || part == "." || part == "..") return Problem{"", "has an empty part, \".\" or \"..\"", ""};
  return std::nullopt;
}

}  // namespace pulk
