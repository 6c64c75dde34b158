// One question to a SQL Server. Values only.
#pragma once

#include <vector>

#include "orchestrator/prove/probe.h"

namespace pulk::prove {

class SqlServerBench;

struct SqlServerProbe : Promise {
  Finding (*look)(SqlServerBench& bench);
};

// By number.
const std::vector<SqlServerProbe>& sqlserver_probes();

// One file each, in the order of the numbers.
std::vector<SqlServerProbe> sqlserver_login_probes();
std::vector<SqlServerProbe> sqlserver_answer_probes();
std::vector<SqlServerProbe> sqlserver_moment_probes();
std::vector<SqlServerProbe> sqlserver_value_probes();

}  // namespace pulk::prove
