// Runs the exports of a file, several at a time, each by itself: one that fails does not stop the others, and leaves
// nothing that can be seen.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "config/export_file.h"
#include "exporter/destination.h"
#include "exporter/export_source.h"
#include "exporter/unloader.h"

namespace pulk {

struct ExportOutcome {
  std::optional<Error> error;  // nothing: it is there, whole
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  double seconds = 0;
  std::vector<StagedFile> files;  // names are paths below the destination
};

struct ExportRunOptions {
  int parallel = 4;  // exports at a time
  std::int64_t memory = 512LL << 20;
  int tries = 3;           // of one export, when what failed may pass
  bool name_each = false;  // log lines say which export they are of
};

// What one export takes at its worst: row groups and batches, and the file that is open.
std::int64_t export_memory(const Destination& destination);

// One outcome per export, in their order. Never throws for what one of them did. `unloader` may be null when no export
// takes that road.
std::vector<ExportOutcome> run_exports(const ExportFile& file, ExportSource& source, Unloader* unloader,
                                       Destination& destination, const ExportRunOptions& options, CancelToken& cancel);

}  // namespace pulk
