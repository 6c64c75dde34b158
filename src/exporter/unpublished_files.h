// The files of one export that are whole and wait for the others: nobody sees one of them before all are. One of them
// takes a few hundred bytes and no descriptor, so there may be thousands. Belongs to one thread at a time.
#pragma once

#include <memory>
#include <vector>

#include "stage/stage.h"

namespace pulk {

class UnpublishedFiles {
 public:
  ~UnpublishedFiles();  // discards those that have no name yet

  // finish() of the file that this gives seals `file` and keeps it here; it must not outlive this.
  std::unique_ptr<OutputFile> hold(std::unique_ptr<OutputFile> file);
  // Gives all of them their names, several at a time. Throws Error; some of them have their names then.
  void publish();

 private:
  class Held;
  std::vector<std::unique_ptr<OutputFile>> files_;
};

}  // namespace pulk
