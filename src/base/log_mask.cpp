#include "base/log_mask.h"

#include <mutex>
#include <utility>
#include <vector>

namespace pulk {
namespace {

using Mask = std::function<std::string(std::string)>;

std::mutex mutex;
std::vector<Mask> masks;

}  // namespace

void add_log_mask(Mask mask) {
  const std::lock_guard lock(mutex);
  masks.push_back(std::move(mask));
}

std::string masked(std::string text) {
  const std::lock_guard lock(mutex);
  for (const Mask& mask : masks) text = mask(std::move(text));
  return text;
}

}  // namespace pulk
