#include "orchestrator/prove/probe.h"

namespace pulk::prove {

const std::vector<Probe>& probes() {
  static const std::vector<Probe> all = [] {
    std::vector<Probe> list;
    for (const auto& theme : {transaction_probes(), lock_probes(), ending_probes(), publishing_probes(), copy_probes(),
                              value_probes(), staging_probes(), session_probes()})
      list.insert(list.end(), theme.begin(), theme.end());
    return list;
  }();
  return all;
}

}  // namespace pulk::prove
