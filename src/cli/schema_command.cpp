#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/commands.h"
#include "config/export_file.h"
#include "config/workflow.h"

namespace pulk {

Command add_schema(CLI::App& app) {
  auto what = std::make_shared<std::string>();
  app.add_option("format", *what, "Which format: workflow or exports")
      ->required()
      ->check(CLI::IsMember({"workflow", "exports"}));
  return [what] {
    fmt::print("{}\n", *what == "exports" ? std::string(export_schema()) : workflow_schema());
    return 0;
  };
}

}  // namespace pulk
