#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/cancel.h"
#include "base/strings.h"
#include "cli/bytes_flag.h"
#include "cli/commands.h"
#include "cli/prove_report.h"
#include "cli/signals.h"
#include "orchestrator/doctor.h"
#include "orchestrator/prove/prove.h"

namespace pulk {

namespace {

constexpr int kNameWidth = 20;

// Further lines stand under the first one.
std::string indented(const std::string& text, int width) {
  return join(split(text, '\n'), "\n" + std::string(static_cast<std::size_t>(width), ' '));
}

void print_check(const Check& check) {
  const std::string status = check.status == CheckStatus::fail ? "FAIL" : std::string(to_string(check.status));
  const int before = 4 + 2 + kNameWidth + 2 + 8 + 2;
  const std::string seconds = check.status == CheckStatus::skip ? "" : fmt::format("{:.2f} s", check.seconds);
  fmt::print("{}  {:<{}}  {:>8}  {}\n", status, check.name, kNameWidth, seconds, indented(check.detail, before));
  if (!check.fix.empty()) fmt::print("{:>{}}{}\n", "fix: ", before, indented(check.fix, before));
  // A check may take seconds: what is known shows at once, in a pipe too.
  std::fflush(stdout);
}

void print_closing(const std::vector<Check>& checks) {
  const auto count = [&](CheckStatus status) {
    return std::count_if(checks.begin(), checks.end(), [&](const Check& c) { return c.status == status; });
  };
  fmt::print("\n{} passed, {} warnings, {} failed, {} skipped\n", count(CheckStatus::pass), count(CheckStatus::warn),
             count(CheckStatus::fail), count(CheckStatus::skip));
}

void print_json(const std::vector<Check>& checks) {
  using nlohmann::ordered_json;
  ordered_json list = ordered_json::array();
  for (const Check& check : checks)
    list.push_back({{"check", check.name},
                    {"status", to_string(check.status)},
                    {"seconds", check.seconds},
                    {"detail", check.detail},
                    {"fix", check.fix}});
  fmt::print("{}\n", list.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

int prove_promises(const prove::Options& options, bool json) {
  const auto start = std::chrono::steady_clock::now();
  CancelToken cancel;
  const SignalGuard signals(cancel, "stopping; the schema of the probes is dropped (once more to stop at once)");
  prove::Intent intent;
  const auto results = prove::prove(options, cancel,
                                    {[&](const prove::Intent& meant) {
                                       intent = meant;
                                       if (!json) prove::print_intent(meant);
                                     },
                                     [&](const prove::Result& result) {
                                       if (!json) prove::print_result(result);
                                     }});
  if (json)
    prove::print_json(intent, results);
  else
    prove::print_closing(results, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return prove::exit_class(results);
}

}  // namespace

Command add_doctor(CLI::App& app) {
  struct Flags {
    DoctorOptions options;
    prove::Options prove;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  DoctorOptions& options = flags->options;
  auto* workflow =
      app.add_option("workflow", options.workflow, "Workflow file: its tables are checked too")->type_name("FILE");
  app.add_option("-c,--config", options.connections, "Connections file (TOML)")
      ->capture_default_str()
      ->type_name("FILE");
  app.add_option("--source", options.source, "Name of the source connection, when there are several");
  auto* target = app.add_option("--target", options.target, "Name of the target connection, when there are several");
  app.add_option("--workspace", options.workspace, "Folder of the ledger")->capture_default_str()->type_name("DIR");
  add_bytes(app, "--memory", options.memory, "The budget that migrate will be given");
  app.add_flag("--json", flags->json, "Print the checks as JSON");
  auto* prove =
      app.add_option("--prove", flags->prove.target,
                     "Instead: ask this Snowflake target (its warehouse runs for minutes) or SQL Server source for the "
                     "promises that pulk rests on, in a schema of its own")
          ->type_name("NAME")
          ->excludes(workflow)
          ->excludes(target);
  app.add_option("--only", flags->prove.only, "With --prove: only the probes of these numbers, as in 12,13")
      ->delimiter(',')
      ->needs(prove);
  app.footer(
      "Changes nothing on either side, but for --prove. Ends with 0 when no check failed, else with the class of the "
      "gravest failure.");
  return [flags] {
    if (!flags->prove.target.empty()) {
      flags->prove.connections = flags->options.connections;
      return prove_promises(flags->prove, flags->json);
    }
    CancelToken cancel;
    const SignalGuard signals(cancel);
    const std::vector<Check> checks = diagnose(flags->options, cancel, [&](const Check& check) {
      if (!flags->json) print_check(check);
    });
    flags->json ? print_json(checks) : print_closing(checks);
    return exit_class(checks);
  };
}

}  // namespace pulk
