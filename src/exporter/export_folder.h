// The folder of an export with several files: parts of this run and of earlier ones, _manifest.json, and _SUCCESS,
// which is there while the folder is one whole export. What the manifest lists is always there. Belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/export_file.h"
#include "exporter/destination.h"
#include "stage/stage.h"

namespace pulk {

class ExportFolder {
 public:
  // `run` is in the names of this run's files. Both references must outlive it.
  ExportFolder(const ExportEntry& entry, Destination& destination, std::string run);

  // "exports/orders/C=de/part-20261121-180002-9f3c-00001.csv"; `below` is "" or ends with a slash.
  std::string path_of(const std::string& below, int number) const;
  // What the paths of all files in the folder itself begin with.
  std::string beginning() const;

  // Makes what finish() gives its name, so that nothing is left to be written when names are given; before begin(), or
  // behind it when the warehouse writes the files.
  void prepare(const std::vector<StagedFile>& files);
  // _SUCCESS goes: from here on files of two exports may be side by side. The parts that are there are the old ones.
  void begin();
  // After a failure behind begin(): removes files of this run. When none is left the folder is as it was, and has its
  // _SUCCESS again. What cannot be done is logged.
  void take_back(const std::vector<std::string>& paths);
  // The same for what the warehouse wrote. While it `may_go_on` writing there is no _SUCCESS again.
  void take_back_below(const std::string& beginning, bool may_go_on);
  // Behind prepare() and begin(): the manifest, then the old parts go, then _SUCCESS. It goes on when the run is
  // cancelled. From the manifest on nothing can be taken back, because old
  // files may be gone. Throws Error(retryable), with everything taken back, when another process wrote into the folder
  // since begin(): each of the two would remove what the other one lists. When that shows behind the manifest there is
  // no _SUCCESS.
  void finish(const std::vector<StagedFile>& files);

 private:
  void check_alone(const std::vector<StagedFile>& files);
  std::string manifest(const std::vector<StagedFile>& files) const;

  const ExportEntry& entry_;
  Destination& destination_;
  const std::string run_;
  std::unique_ptr<OutputFile> manifest_, success_;  // sealed
  std::set<std::string> old_;
  bool was_whole_ = false;
};

}  // namespace pulk
