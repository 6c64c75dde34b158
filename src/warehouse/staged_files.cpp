#include "warehouse/staged_files.h"

#include <cstdint>
#include <filesystem>
#include <system_error>

#include "base/error.h"

namespace pulk {

std::vector<std::string> staged_paths(const std::string& folder, const std::vector<StagedFile>& files) {
  std::vector<std::string> paths;
  paths.reserve(files.size());
  for (const StagedFile& file : files) {
    if (file.name.empty() || file.name.front() == '.' || file.name.find('/') != std::string::npos)
      throw Error(ErrorKind::internal, "not a name of a staged file: \"" + file.name + "\"", folder);
    std::string path = folder + "/" + file.name;
    std::error_code why;
    const auto size = std::filesystem::file_size(path, why);
    if (why) throw Error(ErrorKind::integrity, "a staged file cannot be read: " + why.message(), path);
    if (static_cast<std::int64_t>(size) != file.bytes)
      throw Error(ErrorKind::integrity,
                  "a staged file has " + std::to_string(size) + " bytes where " + std::to_string(file.bytes) +
                      " were written",
                  path, "something else has changed the stage");
    paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace pulk
