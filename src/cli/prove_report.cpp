#include "cli/prove_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/strings.h"

namespace pulk::prove {
namespace {

std::int64_t count(const std::vector<Result>& results, Outcome outcome) {
  return std::count_if(results.begin(), results.end(), [&](const Result& r) { return r.outcome == outcome; });
}

// A server costs nothing by the minute.
void print_server(const Intent& intent) {
  fmt::print("{}; {}\n", intent.target, intent.who);
  if (intent.schema.empty())
    fmt::print("{}\nprobes that need tables are not decided\n\n", intent.lacks);
  else
    fmt::print("makes the schema {} with small tables, and drops it at the end\n\n", intent.schema);
  std::fflush(stdout);
}

}  // namespace

void print_intent(const Intent& intent) {
  if (intent.warehouse.empty()) return print_server(intent);
  fmt::print("{}; {}, warehouse {}{}\n", intent.target, intent.who, intent.warehouse,
             intent.size.empty() ? "" : " (" + intent.size + ")");
  fmt::print("makes the schema {} with small tables and a stage, and drops it at the end\n", intent.schema);
  const std::string minutes =
      fmt::format("{} of the warehouse: about {:.0f} min", plural(static_cast<std::int64_t>(intent.probes), "probe"),
                  std::max(1.0, intent.minutes));
  if (intent.credits_an_hour > 0)
    fmt::print("{}, {:.2f} credits\n\n", minutes, intent.credits);
  else
    fmt::print("{}; what an hour of this size costs is not known here\n\n", minutes);
  std::fflush(stdout);
}

void print_result(const Result& result) {
  const std::string outcome = result.outcome == Outcome::fail ? "FAIL" : to_string(result.outcome);
  fmt::print("{:<11}  {:>2}  {:>6.2f} s  {}\n", outcome, result.probe->number, result.seconds, result.probe->promise);
  const std::string margin(27, ' ');
  if (result.outcome != Outcome::pass) fmt::print("{}seen:  {}\n", margin, result.seen);
  if (result.outcome == Outcome::fail) fmt::print("{}means: {}\n", margin, result.probe->broken);
  // A probe may take seconds: what is known shows at once, in a pipe too.
  std::fflush(stdout);
}

void print_closing(const std::vector<Result>& results, double seconds) {
  fmt::print("\n{} passed, {} failed, {} not decided, {}\n", count(results, Outcome::pass),
             count(results, Outcome::fail), count(results, Outcome::undecided), format_seconds(seconds));
  if (exit_class(results) == static_cast<int>(ErrorKind::integrity))
    fmt::print(
        "A promise is not kept that the rows or values in the target rest on: do not load before that is settled.\n");
}

void print_json(const Intent& intent, const std::vector<Result>& results) {
  using nlohmann::ordered_json;
  ordered_json list = ordered_json::array();
  for (const Result& result : results)
    list.push_back({{"probe", result.probe->number},
                    {"theme", result.probe->theme},
                    {"promise", result.probe->promise},
                    {"rests", to_string(result.probe->rests)},
                    {"outcome", to_string(result.outcome)},
                    {"seconds", result.seconds},
                    {"seen", result.seen},
                    {"broken", result.outcome == Outcome::fail ? result.probe->broken : ""}});
  const ordered_json report = {{"target", intent.target},
                               {"login", intent.who},
                               {"warehouse", intent.warehouse},
                               {"size", intent.size},
                               {"schema", intent.schema},
                               {"lacks", intent.lacks},
                               {"minutes_estimated", intent.minutes},
                               {"credits_estimated", intent.credits},
                               {"class", exit_class(results)},
                               {"probes", list}};
  fmt::print("{}\n", report.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace pulk::prove
