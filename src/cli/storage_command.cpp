// `pulk storage`: looks at the place that exports go to.
#include <fmt/format.h>
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
#include "orchestrator/place.h"

namespace pulk {
namespace {

struct Flags {
  std::string place, env_file, path;
  bool recursive = false, yes = false, json = false;
};

std::string total_of(const std::vector<Destination::Found>& found) {
  std::int64_t bytes = 0;
  for (const Destination::Found& file : found) bytes += file.bytes;
  return plural(static_cast<std::int64_t>(found.size()), "file") + ", " + format_bytes(bytes);
}

int list(const Flags& flags, Destination& place) {
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

int exists(const Flags& flags, Destination& place) {
  const auto found = place.find(flags.path);
  fmt::print("{}: {}\n", place.url_of(flags.path), found ? format_bytes(found->bytes) : "not there");
  return found ? 0 : 1;
}

void ask(const std::string& question, bool yes) {
  if (yes) return;
  if (::isatty(STDIN_FILENO) == 0)
    throw Error(ErrorKind::usage, "nothing was removed: there is no terminal to ask", "", "add --yes");
  fmt::print("{} [y/N] ", question);
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "yes") throw Error(ErrorKind::usage, "nothing was removed");
}

int remove(const Flags& flags, Destination& place) {
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
  ask("Remove " + total_of(found) + " that begin with " + place.url_of(flags.path) + "?", flags.yes);
  for (const Destination::Found& file : found) place.remove(file.path);
  fmt::print("removed {}\n", total_of(found));
  return 0;
}

int put_test(const Flags&, Destination& place) {
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
  auto chosen = std::make_shared<int (*)(const Flags&, Destination&)>(nullptr);
  app.require_subcommand(1);
  app.add_option("--destination", flags->place, "s3://BUCKET[/PREFIX] or file:///FOLDER; default: the bucket S3_BUCKET_NAME")
      ->type_name("URL");
  app.add_option("--env-file", flags->env_file, "Variables; default: .env here or in a folder above")->type_name("FILE");
  const auto add = [&](const std::string& name, const std::string& about, int (*run)(const Flags&, Destination&)) {
    CLI::App* command = app.add_subcommand(name, about);
    command->callback([chosen, run] { *chosen = run; });
    return command;
  };
  CLI::App* ls = add("ls", "Files whose path begins with PREFIX", list);
  ls->add_option("prefix", flags->path, "Beginning of the paths; default: all")->type_name("PREFIX");
  ls->add_flag("--json", flags->json, "A line of JSON for each");
  add("exists", "Is there such a file? Exit class 0 or 1", exists)
      ->add_option("path", flags->path, "Path below the destination")->required()->type_name("PATH");
  CLI::App* rm = add("rm", "Remove a file, or with --recursive all whose path begins with PATH", remove);
  rm->add_option("path", flags->path, "Path below the destination")->required()->type_name("PATH");
  rm->add_flag("-r,--recursive", flags->recursive, "All files whose path begins so; asks first");
  rm->add_flag("-y,--yes", flags->yes, "Do not ask");
  add("put-test", "Write a small file and remove it: are keys, bucket and rights as they must be?", put_test);
  return [flags, chosen] {
    CancelToken cancel;
    const SignalGuard signals(cancel, "stopping");
    read_env_file(flags->env_file);
    const auto place = open_place(flags->place, "--destination", cancel);
    return (*chosen)(*flags, *place);
  };
}

}  // namespace pulk
