// manifest.json of one version: which files are the table, and what it looks like. Used by files_session.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalog/identifier.h"
#include "stage/stage.h"
#include "warehouse/warehouse.h"

namespace pulk::files {

struct ManifestFile {
  StagedFile file;       // name relative to the version's folder
  std::string run;       // who wrote it
  std::string snapshot;  // the moment of the source that its rows are from
};

struct Manifest {
  QualifiedName table;
  std::string run;
  std::string snapshot;  // of this run's files; "" when they are from several
  DeployedTable shape;
  std::vector<ManifestFile> files;

  std::int64_t rows() const;                            // of all files
  std::int64_t rows_of(const std::string& run) const;
};

std::string manifest_path(const std::string& version_folder);
std::string to_json(const Manifest& manifest);
// Throws Error(drift) when there is none or it cannot be read.
Manifest read_manifest(const std::string& version_folder);

}  // namespace pulk::files
