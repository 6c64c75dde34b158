// `pulk storage`: looks at the place that exports go to.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/cancel.h"
#include "base/error.h"
#include "base/strings.h"
#include "base/text_table.h"
#include "cli/commands.h"
#include "cli/signals.h"
#include "config/export_path.h"
#include "config/schema_check.h"
#include "orchestrator/place.h"

namespace pulk {
namespace {

// Behind the classes of errors, so that a script can tell "no" from "could not look".
constexpr int kNotThere = 10;

struct Flags {
  std::string place, env_file, path;
  bool recursive = false, yes = false, json = false;
};

using Work = int(const Flags&, Destination&, const CancelToken&);

std::string total_of(const std::vector<Destination::Found>& found) {
  std::int64_t bytes = 0;
  for (const Destination::Found& file : found) bytes += file.bytes;
  return plural(static_cast<std::int64_t>(found.size()), "file") + ", " + format_bytes(bytes);
}

int list(const Flags& flags, Destination& place, const CancelToken&) {
  const auto found = place.list(flags.path);
  if (flags.json) {
    for (const Destination::Found& file : found)
      fmt::print("{}\n", nlohmann::ordered_json{
                             {"path", file.path}, {"bytes", file.bytes}, {"modified", file.modified}}.dump());
    return 0;
  }
  TextTable table({"modified", ">bytes", "path"});
  for (const Destination::Found& file : found) table.add({file.modified, format_count(file.bytes), file.path});
  fmt::print("{}{}\n", found.empty() ? "" : table.render(), total_of(found));
  return 0;
}

int exists(const Flags& flags, Destination& place, const CancelToken&) {
  const auto found = place.find(flags.path);
  fmt::print("{}: {}\n", place.url_of(flags.path), found ? format_bytes(found->bytes) : "not there");
  return found ? 0 : kNotThere;
}

// A line of standard input, which is a terminal.
std::string answered(const CancelToken& cancel) {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  do {
    cancel.check();
  } while (::poll(&input, 1, 100) == 0);
  std::string answer;
  std::getline(std::cin, answer);
  cancel.check();
  return answer;
}

void ask(const std::string& question, bool yes, const CancelToken& cancel) {
  if (yes) return;
  if (::isatty(STDIN_FILENO) == 0)
    throw Error(ErrorKind::usage, "nothing was removed: there is no terminal to ask", "", "add --yes");
  fmt::print("{} [y/N] ", question);
  std::fflush(stdout);
  const std::string answer = answered(cancel);
  if (answer != "y" && answer != "yes") throw Error(ErrorKind::usage, "nothing was removed");
}

void remove_all(const std::vector<Destination::Found>& found, Destination& place, const CancelToken& cancel) {
  std::vector<Destination::Found> removed;
  try {
    for (const Destination::Found& file : found) {
      cancel.check();
      place.remove(file.path);
      removed.push_back(file);
    }
  } catch (const Error&) {
    fmt::print("removed {} of {}\n", format_count(static_cast<std::int64_t>(removed.size())), total_of(found));
    throw;
  }
  fmt::print("removed {}\n", total_of(found));
}

int remove(const Flags& flags, Destination& place, const CancelToken& cancel) {
  if (!flags.recursive) {
    if (!place.find(flags.path))
      throw Error(ErrorKind::usage, "there is no such file", place.url_of(flags.path),
                  flags.path.ends_with('/') ? "add --recursive for all files whose path begins so" : "");
    place.remove(flags.path);
    fmt::print("removed {}\n", place.url_of(flags.path));
    return 0;
  }
  if (flags.path.empty())
    throw Error(ErrorKind::usage, "an empty path is everything", "", "write the prefix that is meant");
  const auto found = place.list(flags.path);
  if (found.empty()) {
    fmt::print("nothing begins with {}\n", place.url_of(flags.path));
    return 0;
  }
  ask("Remove " + total_of(found) + " that begin with " + place.url_of(flags.path) + "?", flags.yes, cancel);
  remove_all(found, place, cancel);
  return 0;
}

int put_test(const Flags&, Destination& place, const CancelToken&) {
  const auto start = std::chrono::steady_clock::now();
  const std::string path = "pulk-test-" + new_run_id();
  put_text(place, path, "written by pulk storage put-test\n", "text/plain");
  place.remove(path);
  fmt::print("{}: written, listed and removed in {}\n", place.url_of(path),
             format_seconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()));
  return 0;
}

}  // namespace

Command add_storage(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  auto chosen = std::make_shared<Work*>(nullptr);
  app.require_subcommand(1);
  app.add_option("--destination", flags->place, "s3://BUCKET[/PREFIX] or file:///FOLDER; default: the bucket S3_BUCKET_NAME")
      ->type_name("URL");
  app.add_option("--env-file", flags->env_file, "Variables; default: .env here or in a folder above")->type_name("FILE");
  const auto add = [&](const std::string& name, const std::string& about, Work* run) {
    CLI::App* command = app.add_subcommand(name, about);
    command->callback([chosen, run] { *chosen = run; });
    return command;
  };
  CLI::App* ls = add("ls", "Files whose path begins with PREFIX", list);
  ls->add_option("prefix", flags->path, "Beginning of the paths; default: all")->type_name("PREFIX");
  ls->add_flag("--json", flags->json, "A line of JSON for each");
  add("exists", "Is there such a file? Exit class 0: yes, 10: no", exists)
      ->add_option("path", flags->path, "Path below the destination")->required()->type_name("PATH");
  CLI::App* rm = add("rm", "Remove a file, or with --recursive all whose path begins with PATH", remove);
  rm->add_option("path", flags->path, "Path below the destination")->required()->type_name("PATH");
  rm->add_flag("-r,--recursive", flags->recursive, "All files whose path begins so; asks first");
  rm->add_flag("-y,--yes", flags->yes, "Do not ask");
  add("put-test", "Write a small file and remove it: are keys, bucket and rights as they must be?", put_test);
  return [flags, chosen] {
    CancelToken cancel;
    const SignalGuard signals(cancel, "stopping");
    if (const auto wrong = problem_of_path(flags->path); wrong && !flags->path.empty())
      throw Error(ErrorKind::usage, wrong->what, show_value(flags->path), wrong->hint);
    read_env_file(flags->env_file);
    // The file of a test must not stay.
    const WhenCancelled when = *chosen == put_test ? WhenCancelled::clean_up : WhenCancelled::end_all;
    const auto place = open_place(flags->place, "--destination", cancel, when);
    return (*chosen)(*flags, *place, cancel);
  };
}

}  // namespace pulk
