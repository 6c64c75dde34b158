#include "state/state_store.h"

namespace pulk {

std::string_view to_string(RunState state) {
  switch (state) {
    case RunState::running: return "running";
    case RunState::finished: return "finished";
    case RunState::failed: return "failed";
    case RunState::abandoned: return "abandoned";
  }
  return "running";
}

std::string_view to_string(TableState state) {
  switch (state) {
    case TableState::planned: return "planned";
    case TableState::frozen: return "frozen";
    case TableState::published: return "published";
    case TableState::failed: return "failed";
  }
  return "planned";
}

std::string_view to_string(PartitionState state) {
  switch (state) {
    case PartitionState::pending: return "pending";
    case PartitionState::staged: return "staged";
    case PartitionState::loaded: return "loaded";
  }
  return "pending";
}

}  // namespace pulk
