#include "adbc/snowflake/library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "adbc/adbc.h"
#include "base/environment.h"
#include "base/error.h"
#include "pulk/build_config.h"

namespace pulk::snowflake {

namespace fs = std::filesystem;

std::string driver_library() {
  constexpr const char* kName = "libadbc_driver_snowflake.so";
  std::error_code why;
  if (const std::string path = environment("PULK_SNOWFLAKE_LIBRARY"); !path.empty()) {
    if (fs::exists(path, why)) return path;
    throw Error(ErrorKind::usage, "the Snowflake driver that PULK_SNOWFLAKE_LIBRARY names is not there", path);
  }
  if (const auto installed = adbc::installed_library(kName)) return *installed;
  if (fs::exists(PULK_SNOWFLAKE_LIBRARY_DEFAULT, why)) return PULK_SNOWFLAKE_LIBRARY_DEFAULT;
  if (void* found = ::dlopen(kName, RTLD_NOW | RTLD_LOCAL); found != nullptr) return kName;
  throw Error(ErrorKind::usage, std::string("the Snowflake driver ") + kName + " was not found",
              PULK_SNOWFLAKE_LIBRARY_DEFAULT,
              "pip install adbc-driver-snowflake, and set PULK_SNOWFLAKE_LIBRARY to the library in its folder");
}

void set_driver_environment(std::int64_t memory) {
  constexpr const char *kLimit = "GOMEMLIMIT", *kNoDetection = "SNOWFLAKE_DISABLE_PLATFORM_DETECTION",
                       *kNoMinicore = "SF_DISABLE_MINICORE";
  if (in_environment(kLimit) && in_environment(kNoDetection) && in_environment(kNoMinicore)) return;
  ::setenv(kLimit, (std::to_string(memory >> 20) + "MiB").c_str(), 0);
  ::setenv(kNoDetection, "true", 0);
  // A library that the driver would write into the temporary folder and load from there: it is only telemetry.
  ::setenv(kNoMinicore, "true", 0);
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string line{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<char*> arguments;
  for (std::size_t at = 0; at < line.size(); at = line.find('\0', at) + 1) arguments.push_back(line.data() + at);
  arguments.push_back(nullptr);
  std::error_code why;
  const fs::path self = fs::read_symlink("/proc/self/exe", why);
  // Comes back only when it failed; then the driver runs without a limit of its own.
  if (arguments.size() > 1) ::execv(fs::exists(self, why) ? self.c_str() : "/proc/self/exe", arguments.data());
}

}  // namespace pulk::snowflake
