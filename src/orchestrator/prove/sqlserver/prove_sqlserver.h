// `pulk doctor --prove` for a SQL Server that is a source: what only a real server can answer, in a schema that is made
// for it and dropped again. Nothing of the user's is read.
#pragma once

#include <vector>

#include "base/cancel.h"
#include "config/sqlserver_connection.h"
#include "orchestrator/known_secrets.h"
#include "orchestrator/prove/prove.h"

namespace pulk::prove {

// Throws as prove() does. Where the login may not make a schema, the probes that need tables are not decided.
std::vector<Result> prove_sqlserver(const Options& options, const SqlServerConnection& connection,
                                    const KnownSecrets& secrets, CancelToken& cancel, const Listener& listener);

}  // namespace pulk::prove
