// A folder of Parquet files as target:
//   <root>/<schema>/<table>/v-<run>/p00001-a1-001.parquet   what one run wrote
//   <root>/<schema>/<table>/v-<run>/earlier/...             files of versions before, when a run appends (hard links)
//   <root>/<schema>/<table>/v-<run>/manifest.json           which of the files are the table
//   <root>/<schema>/<table>/current -> v-<run>              swapped by one rename
//   <root>/.pulk/marks.sqlite                               marks and leases
// Readers open current/manifest.json, or current/**/*.parquet: files that are not in the manifest are removed before
// a version becomes current.
#pragma once

#include <memory>

#include "config/connections.h"
#include "warehouse/warehouse.h"

namespace pulk {

std::unique_ptr<Warehouse> make_files_warehouse(const FilesConnection& connection);

}  // namespace pulk
