#include "warehouse/files/manifest.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"

namespace pulk::files {

using Json = nlohmann::ordered_json;

std::int64_t Manifest::rows() const {
  std::int64_t sum = 0;
  for (const ManifestFile& entry : files) sum += entry.file.rows;
  return sum;
}

std::int64_t Manifest::rows_of(const std::string& wanted) const {
  std::int64_t sum = 0;
  for (const ManifestFile& entry : files) sum += entry.run == wanted ? entry.file.rows : 0;
  return sum;
}

std::string manifest_path(const std::string& version_folder) { return version_folder + "/manifest.json"; }

std::string to_json(const Manifest& manifest) {
  Json columns = Json::array();
  for (const DeployedColumn& column : manifest.shape.columns)
    columns.push_back({{"name", column.name}, {"type", column.type}, {"nullable", column.nullable}});
  Json files = Json::array();
  for (const ManifestFile& entry : manifest.files)
    files.push_back({{"name", entry.file.name},
                     {"rows", entry.file.rows},
                     {"bytes", entry.file.bytes},
                     {"xxh3_128", entry.file.digest},
                     {"run", entry.run},
                     {"snapshot", entry.snapshot}});
  const Json document = {{"format", 1},
                         {"schema", manifest.table.schema},
                         {"table", manifest.table.table},
                         {"run", manifest.run},
                         {"snapshot", manifest.snapshot},
                         {"written", utc_now()},
                         {"rows", manifest.rows()},
                         {"columns", columns},
                         {"primary_key", manifest.shape.primary_key},
                         {"files", files}};
  // Names come from databases, whose text need not be UTF-8.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Manifest read_manifest(const std::string& version_folder) {
  const std::string path = manifest_path(version_folder);
  std::ifstream in(path);
  if (!in) throw Error(ErrorKind::drift, "the manifest of the current version is missing", path);
  try {
    const Json document = Json::parse(in);
    Manifest manifest;
    manifest.table = {"", document.at("schema").get<std::string>(), document.at("table").get<std::string>()};
    manifest.run = document.at("run").get<std::string>();
    manifest.snapshot = document.at("snapshot").get<std::string>();
    for (const Json& column : document.at("columns"))
      manifest.shape.columns.push_back({column.at("name").get<std::string>(), column.at("type").get<std::string>(),
                                        column.at("nullable").get<bool>()});
    manifest.shape.primary_key = document.at("primary_key").get<std::vector<std::string>>();
    for (const Json& entry : document.at("files")) {
      ManifestFile file;
      file.file = {entry.at("name").get<std::string>(), entry.at("rows").get<std::int64_t>(),
                   entry.at("bytes").get<std::int64_t>(), entry.at("xxh3_128").get<std::string>()};
      file.run = entry.at("run").get<std::string>();
      file.snapshot = entry.at("snapshot").get<std::string>();
      manifest.files.push_back(std::move(file));
    }
    return manifest;
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::drift, std::string("the manifest of the current version cannot be read: ") + error.what(),
                path);
  }
}

}  // namespace pulk::files
