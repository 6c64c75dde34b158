// Where extracted files wait for the warehouse. A stage hands out output streams and keeps no memory of its own; the
// ledger knows what is on it. Implementations: local/, s3/, snowflake/.
// Threads: safe to call from several threads; one OutputFile belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "catalog/staged_file.h"

namespace arrow::io {
class OutputStream;
}

namespace pulk {

class OutputFile {
 public:
  virtual ~OutputFile() = default;  // discards the file when it was not published
  virtual std::shared_ptr<arrow::io::OutputStream> stream() = 0;
  // Ends writing: the bytes are where they stay, and what writing took of memory and descriptors is given back once
  // nobody holds the stream. No reader finds the file yet. Gives its size and digest; rows are the caller's to fill in.
  virtual StagedFile seal() = 0;
  // Gives a sealed file its name.
  virtual void publish() = 0;
  StagedFile finish() {
    StagedFile file = seal();
    publish();
    return file;
  }
};

class Stage {
 public:
  virtual ~Stage() = default;
  virtual std::unique_ptr<OutputFile> create(const std::string& name) = 0;
  virtual void remove(const std::string& name) = 0;             // fine when it is not there
  // The same for many at once. Files whose names are alike up to the last "-" belong to one attempt at one partition,
  // and a stage may remove all of them when one is named.
  virtual void remove_all(const std::vector<std::string>& names) {
    for (const std::string& name : names) remove(name);
  }
  virtual std::vector<std::string> list() = 0;                  // also files that nobody finished
  virtual std::string location() const = 0;                     // for people and for the warehouse: a folder
};

}  // namespace pulk
