// `pulk demo` without its words: a folder of the demo's own, its configuration, and pulk itself as a child process that
// is killed or not. The command calls the steps in order and tells about each. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "orchestrator/demo_child.h"
#include "orchestrator/demo_proof.h"

namespace pulk::demo {

inline constexpr const char* kDriver = "SQLite3";  // as odbcinst.ini of Debian names it

struct DemoOptions {
  std::string folder = "pulk-demo";
  double scale = 0.1;
  bool keep = false;  // use the sample that an earlier demo left in the folder
};

// The folder of one demo; nobody else's files are touched. Held until the object goes.
class Folder {
 public:
  // Makes the folder, or clears what an earlier demo made in it (without `keep_sample`, the sample too). Throws
  // Error(usage) for a folder that no demo has made, Error(retryable) when another demo works in it.
  Folder(const std::string& path, const std::string& scale, bool keep_sample);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }  // absolute
  std::string sample() const { return (path_ / "sample.sqlite").string(); }
  std::string target() const { return (path_ / "demo.duckdb").string(); }
  std::string workspace() const { return (path_ / ".pulk").string(); }
  bool has_sample() const { return has_sample_; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
  bool has_sample_ = false;
};

// "0.1": as the generator takes it, and as it is remembered.
std::string scale_text(double scale);

// configuration.toml and workflow.json. The rows per partition follow the scale, so that the largest table always has
// several.
void write_configuration(const Folder& folder, double scale);

// A line that the child logged.
struct ChildLine {
  std::string event;  // "" for lines without
  std::string level;
  std::string message;
};

// `pulk migrate workflow.json` in the folder. `crash_at`: the step at which it is killed, "" for none.
ChildEnd run_migrate(const Folder& folder, const std::string& crash_at,
                     const std::function<void(const ChildLine&)>& on_line);

// How many partitions of a table the ledger believes to be loaded.
std::int64_t loaded_in_ledger(const Folder& folder, const std::string& table);

}  // namespace pulk::demo
