#include <fmt/format.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include "base/environment.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/text_table.h"
#include "cli/commands.h"
#include "orchestrator/demo.h"
#include "orchestrator/demo_sample.h"
#include "orchestrator/doctor_probes.h"

namespace pulk {

namespace {

namespace fs = std::filesystem;
using demo::ChildEnd;
using demo::ChildLine;
using demo::Folder;
using Clock = std::chrono::steady_clock;

// Three small tables are in by then, and the large one half-way.
constexpr const char* kCrashAt = "load.committed:6";

void say(const std::string& text) {
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

// "1  sample     8 tables ...   4.2 s"
class Step {
 public:
  Step(int number, std::string name) : number_(number), name_(std::move(name)) {}
  void done(const std::string& what) const {
    clear_status();
    say(fmt::format("{}  {:<8} {:<78} {:>7}", number_, name_, what, time()));
  }
  // For a step whose lines come while it works: the time stands with its end.
  void begin(const std::string& what) const { say(fmt::format("{}  {:<8} {}", number_, name_, what)); }
  void end(const std::string& what) const {
    clear_status();
    say(fmt::format("{:12}{:<78} {:>7}", "", what, time()));
  }
  // What is going on right now; only on a terminal.
  void status(const std::string& what) const {
    if (::isatty(STDERR_FILENO) == 0) return;
    set_status_line(fmt::format("{}  {:<8} {}", number_, name_, what));
  }

 private:
  static void clear_status() { set_status_line(""); }
  std::string time() const { return format_seconds(std::chrono::duration<double>(Clock::now() - start_).count()); }
  int number_;
  std::string name_;
  Clock::time_point start_ = Clock::now();
};

bool terminal_has_utf8() {
  const locale_t locale = ::newlocale(LC_CTYPE_MASK, "", nullptr);
  if (locale == nullptr) return false;
  const bool utf8 = std::string(::nl_langinfo_l(CODESET, locale)) == "UTF-8";
  ::freelocale(locale);
  return utf8;
}

std::string in_folder(const Folder& folder, const std::string& path) {
  return fs::path(path).lexically_relative(folder.path()).string();
}

// Before the sample is made: it takes longer than to find out that nobody can read it.
void check_driver() {
  const std::vector<probe::OdbcDriver> drivers = probe::odbc_drivers();
  const auto is_it = [](const probe::OdbcDriver& driver) { return iequals(driver.name, demo::kDriver); };
  if (std::none_of(drivers.begin(), drivers.end(), is_it))
    throw Error(ErrorKind::usage, "no ODBC driver of this name is registered", demo::kDriver,
                "install it: apt-get install libsqliteodbc");
}

// The child's log, each text once over both runs. Partitions show on the status line only, tables when they are done.
ChildEnd run_and_show(const Folder& folder, const Step& step, const std::string& crash_at,
                      std::set<std::string>& shown) {
  return demo::run_migrate(folder, crash_at, [&](const ChildLine& line) {
    if (line.event == "partition_loaded" || line.event == "progress") {
      step.status(line.message);
      return;
    }
    if (!shown.insert(line.message).second) return;
    set_status_line("");
    const std::string mark = line.level == "warning" || line.level == "error" ? line.level + ": " : "";
    say("     | " + mark + join(split(line.message, '\n'), "\n     |   "));
  });
}

Error unexpected_end(const std::string& which, const ChildEnd& end) {
  const bool has_class = end.exit_code >= 1 && end.exit_code <= 6;
  return Error(has_class ? static_cast<ErrorKind>(end.exit_code) : ErrorKind::internal,
               which + (end.signal != 0 ? fmt::format(" was ended by signal {}", end.signal)
                                        : fmt::format(" ended with exit class {}", end.exit_code)),
               "demo", "its own words are above");
}

void show_what_is_left(const Folder& folder) {
  TextTable table({"table", "in the target", ">partitions", ">rows"});
  std::string behind;
  int published = 0;
  for (const demo::Left& left : demo::what_is_left(folder.target())) {
    published += left.published ? 1 : 0;
    table.add({left.table,
               left.published        ? "published"
               : left.partitions > 0 ? "half-way, in staging"
                                     : "not begun",
               left.partitions > 0 && !left.published ? fmt::format("{} of {}", left.loaded, left.partitions) : "",
               left.rows > 0 ? format_count(left.rows) : ""});
    if (left.published) continue;
    if (const std::int64_t known = demo::loaded_in_ledger(folder, left.table); known != left.loaded)
      behind +=
          fmt::format("            {}: the target has {} partitions, the ledger knows {}: the target is believed\n",
                      left.table, left.loaded, known);
  }
  fmt::print("{}{}", table.render("            "), behind);
  std::fflush(stdout);
}

void show_proof(const std::vector<demo::TableProof>& proofs, bool utf8) {
  TextTable table({"table", ">rows", "an exact sum", ">SQLite", ">DuckDB", "equal"});
  for (const demo::TableProof& proof : proofs) {
    const demo::Figure& figure = proof.headline();
    table.add({proof.table, format_count(proof.rows), figure.what.substr(std::string("sum of ").size()), figure.source,
               figure.target, proof.equal() ? (utf8 ? "✓" : "ok") : "NO"});
  }
  fmt::print("{}", table.render("            "));
  std::fflush(stdout);
}

void throw_differences(const std::vector<demo::TableProof>& proofs) {
  std::vector<std::string> lines;
  for (const demo::TableProof& proof : proofs)
    for (const demo::Figure& figure : proof.figures)
      if (!figure.equal())
        lines.push_back(fmt::format("{}, {}: SQLite has {}, DuckDB has {}", proof.table, figure.what, figure.source,
                                    figure.target));
  if (!lines.empty())
    throw Error(ErrorKind::integrity, "source and target differ:\n    " + join(lines, "\n    "), "demo",
                "this is a bug in pulk, please report it");
}

std::string shell_word(const std::string& word) {
  const bool plain =
      word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%,=") ==
      std::string::npos;
  if (plain && !word.empty()) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// "pulk" when the shell would find this very program under that name, else its path.
std::string this_program() {
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  for (const std::string& folder : split(environment("PATH"), ':')) {
    const fs::path candidate = fs::path(folder) / "pulk";
    if (folder.empty() || ::access(candidate.c_str(), X_OK) != 0) continue;
    if (fs::equivalent(candidate, self, ignored)) return "pulk";
    break;
  }
  return shell_word(self.string());
}

void show_next(const Folder& folder, const std::string& named) {
  const std::string program = this_program();
  fmt::print("\nThe data is in {}. To look around:\n\n", shell_word(folder.target()));
  fmt::print("  cd {}\n", shell_word(named));
  fmt::print(
      "  python3 -c \"import duckdb; duckdb.connect('demo.duckdb', read_only=True).sql('SELECT l_shipmode, count(*), "
      "sum(l_extendedprice) FROM lineitem GROUP BY 1 ORDER BY 1').show()\"\n");
  fmt::print("  {} plan workflow.json\n", program);
  fmt::print("  {} status\n", program);
  std::fflush(stdout);
}

int run_demo(const demo::DemoOptions& options) {
  const auto start = Clock::now();
  const std::string scale = demo::scale_text(options.scale);
  const std::string generator = options.keep ? "" : demo::find_generator();
  check_driver();
  const Folder folder(options.folder, scale, options.keep);
  say(fmt::format("pulk demo in {}: a TPC-H sample moves from SQLite to DuckDB, is killed half-way and resumed.\n",
                  folder.path().string()));

  const Step sample(1, "sample");
  if (folder.has_sample()) {
    sample.done(in_folder(folder, folder.sample()) + " of an earlier demo is used again");
  } else {
    const std::int64_t rows = demo::make_sample(generator.empty() ? demo::find_generator() : generator, scale,
                                                folder.sample(), [&](const std::string& what) { sample.status(what); });
    sample.done(fmt::format("{} tables, {} rows at scale {} in {} ({})", demo::tables().size(), format_count(rows),
                            scale, in_folder(folder, folder.sample()),
                            format_bytes(static_cast<std::int64_t>(fs::file_size(folder.sample())))));
  }

  const Step files(2, "files");
  demo::write_configuration(folder, options.scale);
  files.done("configuration.toml says from where to where, workflow.json which tables");

  const Step first(3, "migrate");
  first.begin("pulk migrate workflow.json, with SIGKILL waiting for it right after a commit");
  std::set<std::string> shown;
  const ChildEnd killed = run_and_show(folder, first, kCrashAt, shown);
  if (killed.signal != SIGKILL) throw unexpected_end("the run that was to be killed", killed);
  first.end("killed by SIGKILL. What it left behind:");
  show_what_is_left(folder);

  const Step second(4, "resume");
  second.begin("the same command again");
  const ChildEnd resumed = run_and_show(folder, second, "", shown);
  if (resumed.exit_code != 0) throw unexpected_end("the resumed run", resumed);
  second.end("resumed and finished");

  const Step proof(5, "proof");
  proof.status("counting and summing on both sides");
  const std::vector<demo::TableProof> proofs = demo::prove(folder.sample(), folder.target());
  std::int64_t rows = 0;
  std::size_t figures = 0;
  for (const demo::TableProof& one : proofs) {
    rows += one.rows;
    figures += one.figures.size();
  }
  const bool equal = std::all_of(proofs.begin(), proofs.end(), [](const auto& p) { return p.equal(); });
  proof.done(fmt::format("{} rows; {} counts, sums, ranges and digests of all cells {}", format_count(rows), figures,
                         equal ? "are equal" : "DIFFER"));
  show_proof(proofs, terminal_has_utf8());
  throw_differences(proofs);

  say(fmt::format("\nNothing lost, nothing twice, all in {}.",
                  format_seconds(std::chrono::duration<double>(Clock::now() - start).count())));
  show_next(folder, options.folder);
  return 0;
}

}  // namespace

Command add_demo(CLI::App& app) {
  auto options = std::make_shared<demo::DemoOptions>();
  app.add_option("--dir", options->folder, "Folder of the demo; what an earlier demo made in it is replaced")
      ->capture_default_str()
      ->type_name("DIR");
  app.add_option("--scale", options->scale, "Size of the sample: 1 is 8.7 million rows")
      ->check(CLI::Range(0.001, 10.0))
      ->capture_default_str()
      ->type_name("N");
  app.add_flag("--keep", options->keep, "Use the sample that an earlier demo of this scale left in the folder");
  app.footer(
      "Needs no server and no account: the sample is made by tpchgen-cli, the source is a SQLite file behind its\n"
      "ODBC driver, the target a DuckDB file. Ends with 3 when source and target differ.");
  return [options] { return run_demo(*options); };
}

}  // namespace pulk
