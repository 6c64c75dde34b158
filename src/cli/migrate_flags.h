// The flags that `migrate`, `plan` and `validate` share.
#pragma once

#include "orchestrator/options.h"

namespace CLI {
class App;
}

namespace pulk {

// `options` must outlive the parsing.
void add_file_flags(CLI::App& app, MigrateOptions& options);
void add_run_flags(CLI::App& app, MigrateOptions& options);
void add_lock_wait(CLI::App& app, MigrateOptions& options);

}  // namespace pulk
