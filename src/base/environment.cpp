#include "base/environment.h"

#include <cstdlib>

namespace pulk {

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

bool in_environment(const std::string& name) { return std::getenv(name.c_str()) != nullptr; }

}  // namespace pulk
