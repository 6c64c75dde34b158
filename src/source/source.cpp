#include "source/source.h"

namespace pulk {

std::string_view to_string(ConsistencyLevel level) {
  switch (level) {
    case ConsistencyLevel::snapshot: return "snapshot";
    case ConsistencyLevel::per_partition: return "per-partition";
    case ConsistencyLevel::user_asserted: return "user-asserted";
  }
  return "per-partition";
}

}  // namespace pulk
