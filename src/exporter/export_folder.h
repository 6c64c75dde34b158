// The folder of an export with several files: parts of this run and of earlier ones, _manifest.json, and _SUCCESS,
// which is there while the folder is one whole export. What the manifest lists is always there. Belongs to one thread.
#pragma once

#include <cstdint>
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

  // _SUCCESS goes: from here on files of two exports may be side by side.
  void begin();
  // After a failure behind begin(): removes files of this run. When none is left the folder is as it was, and has its
  // _SUCCESS again. What cannot be done is logged.
  void take_back(const std::vector<std::string>& paths);
  void take_back_below(const std::string& beginning);
  // The manifest, then parts of earlier runs go, then _SUCCESS. From the manifest on nothing can be taken back, because
  // old files may be gone.
  void finish(const std::vector<StagedFile>& files);

 private:
  void remove_old(const std::vector<StagedFile>& files);
  std::string manifest(const std::vector<StagedFile>& files) const;

  const ExportEntry& entry_;
  Destination& destination_;
  const std::string run_;
  bool was_whole_ = false;
};

}  // namespace pulk
