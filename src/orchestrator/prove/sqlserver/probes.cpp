#include "orchestrator/prove/sqlserver/sqlserver_probe.h"

namespace pulk::prove {

const std::vector<SqlServerProbe>& sqlserver_probes() {
  static const std::vector<SqlServerProbe> all = [] {
    std::vector<SqlServerProbe> list;
    for (const auto& theme :
         {sqlserver_login_probes(), sqlserver_answer_probes(), sqlserver_moment_probes(), sqlserver_value_probes()})
      list.insert(list.end(), theme.begin(), theme.end());
    return list;
  }();
  return all;
}

}  // namespace pulk::prove
