// The commands of the program. Each add_*() declares its flags on `app` and returns a function that runs the command
// and gives the exit code; main calls the one that was chosen.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace pulk {

using Command = std::function<int()>;

Command add_migrate(CLI::App& app);
Command add_plan(CLI::App& app);
Command add_status(CLI::App& app);
Command add_doctor(CLI::App& app);
Command add_init(CLI::App& app);
Command add_validate(CLI::App& app);
Command add_demo(CLI::App& app);
Command add_export(CLI::App& app);
Command add_load(CLI::App& app);
Command add_query(CLI::App& app);
Command add_storage(CLI::App& app);
Command add_clean(CLI::App& app);
Command add_schema(CLI::App& app);

}  // namespace pulk
