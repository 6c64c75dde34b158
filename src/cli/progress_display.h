// The live line of a run: on a terminal one line that is drawn again, in a pipe a plain line every ten seconds, with
// `--log-format json` an event every ten seconds. Nothing with --quiet.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace pulk {

struct Progress;

class ProgressDisplay {
 public:
  explicit ProgressDisplay(const Progress& progress);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

 private:
  void main();
  const Progress& progress_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace pulk
