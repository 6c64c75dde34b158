// Where exports are written: a bucket with a prefix, or a folder. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "stage/s3/s3_settings.h"
#include "stage/stage.h"

namespace pulk {

class Destination {
 public:
  virtual ~Destination() = default;
  // The file has its name when it is published, and readers see the old one until then; publish(), list() and remove()
  // go on when the run is cancelled, unless all is to end then. One that is not published leaves nothing; of a process that was killed stays what no reader takes for a file: an open upload, or .pulk-*.partial.
  virtual std::unique_ptr<OutputFile> create(const std::string& path, const std::string& content_type) = 0;

  struct Found {
    std::string path;
    std::int64_t bytes = 0;
    std::string modified;  // UTC, "2026-11-21T16:43:00Z"
  };
  // All files whose path begins with `prefix`, in folders below too, in order of their paths.
  virtual std::vector<Found> list(const std::string& prefix) = 0;
  virtual std::optional<Found> find(const std::string& path) = 0;
  virtual void remove(const std::string& path) = 0;               // fine when it is not there
  // What processes that were killed left of files at `path`, or below it when it is a folder, more than a day ago: it
  // could be that of a process which is still at work. A destination that may not look leaves it.
  virtual void remove_left(const std::string& path) = 0;
  virtual std::string url_of(const std::string& path) const = 0;  // for people: s3://bucket/key, /folder/file
  // Throws what keeps files from being written at `path`, or below it when it is a folder: place, credentials, rights.
  // Leaves nothing.
  virtual void check(const std::string& path) = 0;
  // Bytes of memory that one open file costs.
  virtual std::int64_t open_file_memory() const = 0;
};

// Whether list() and remove() go on when the run is cancelled: an export cleans up, a person who looks wants to stop.
enum class WhenCancelled { clean_up, end_all };

// `url`: s3://bucket[/prefix] or file:///folder. Adds what is wrong with it to `problems`, and then gives nullptr.
// Nothing is asked yet. `cancel` may be null and must outlive it.
std::unique_ptr<Destination> make_destination(const std::string& url, const std::string& where,
                                              const CancelToken* cancel, Problems& problems,
                                              WhenCancelled when = WhenCancelled::clean_up);

// One small file with this content, sealed: publish() gives it its name.
std::unique_ptr<OutputFile> sealed_text(Destination& destination, const std::string& path, const std::string& content,
                                        const std::string& content_type);
// The same, with its name.
void put_text(Destination& destination, const std::string& path, const std::string& content,
              const std::string& content_type);

}  // namespace pulk
