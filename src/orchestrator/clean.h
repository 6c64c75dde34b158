// `pulk clean`: finds what finished or abandoned runs left in the target, in the workspace and on the spool, and
// removes it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace pulk {

class CancelToken;

struct CleanOptions {
  std::string connections = "configuration.toml";
  std::string target;
  std::string workspace = ".pulk";
  std::string abandon;                // a run that will not be resumed; also one that another workspace started
  std::chrono::seconds lease{60};
  std::chrono::seconds lock_wait{30};
};

// What would be removed, one line each, and the removal of exactly that.
class Cleaning {
 public:
  Cleaning(const CleanOptions& options, CancelToken& cancel);
  ~Cleaning();
  const std::vector<std::string>& lines() const { return lines_; }
  // Why some leftovers stay, one line each.
  const std::vector<std::string>& kept() const { return kept_; }
  void remove();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::vector<std::string> lines_, kept_;
};

}  // namespace pulk
