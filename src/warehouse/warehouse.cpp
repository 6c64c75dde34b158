#include "warehouse/warehouse.h"

namespace pulk {

std::string_view to_string(MarkState state) {
  switch (state) {
    case MarkState::pending: return "pending";
    case MarkState::loaded: return "loaded";
    case MarkState::published: return "published";
  }
  return "?";
}

}  // namespace pulk
