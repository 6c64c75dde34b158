#include "exporter/export_folder.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/steps.h"
#include "base/strings.h"
#include "exporter/file_writer.h"

namespace pulk {
namespace {

// Files of a folder are pulk's own to replace when they are named like this.
constexpr const char* kPart = "part-";
constexpr const char* kManifest = "_manifest.json";
constexpr const char* kSuccess = "_SUCCESS";

// "part-20261121-180002-9f3c" and something behind it: others name their files part-… too.
bool is_of_a_run(std::string_view name) {
  constexpr std::string_view kForm = "part-dddddddd-dddddd-xxxx";
  if (name.size() <= kForm.size()) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const char c = name[i];
    const bool digit = c >= '0' && c <= '9';
    if (kForm[i] == 'd' ? !digit : kForm[i] == 'x' && i > 4 ? !digit && (c < 'a' || c > 'f') : c != kForm[i]) return false;
  }
  return name[kForm.size()] == '-' || name[kForm.size()] == '_';
}

// A file that an export of this folder wrote: in it, or in folders NAME=VALUE below.
bool is_part(const std::string& path, const std::string& folder) {
  std::string_view rest = std::string_view(path).substr(folder.size());
  for (std::size_t slash; (slash = rest.find('/')) != std::string_view::npos; rest.remove_prefix(slash + 1))
    if (rest.substr(0, slash).find('=') == std::string_view::npos) return false;
  return is_of_a_run(rest);
}

}  // namespace

ExportFolder::ExportFolder(const ExportEntry& entry, Destination& destination, std::string run)
    : entry_(entry), destination_(destination), run_(std::move(run)) {}

std::string ExportFolder::path_of(const std::string& below, int number) const {
  return fmt::format("{}{}{}{}-{:05}{}", entry_.path, below, kPart, run_, number, file_ending(entry_));
}

std::string ExportFolder::beginning() const { return entry_.path + kPart + run_; }

void ExportFolder::prepare(const std::vector<StagedFile>& files) {
  if (!entry_.manifest) return;
  manifest_ = sealed_text(destination_, entry_.path + kManifest, manifest(files), "application/json");
  success_ = sealed_text(destination_, entry_.path + kSuccess, "", "application/octet-stream");
}

void ExportFolder::begin() {
  old_.clear();
  int foreign = 0;
  for (const Destination::Found& found : destination_.list(entry_.path)) {
    if (found.path == entry_.path + kSuccess)
      was_whole_ = true;
    else if (is_part(found.path, entry_.path))
      old_.insert(found.path);
    else if (found.path.find('/', entry_.path.size()) == std::string::npos &&
             found.path.compare(entry_.path.size(), 5, kPart) == 0)
      ++foreign;
  }
  if (foreign > 0)
    log_warning(plural(foreign, "file") + " named part-… that pulk did not write stay beside the new ones: " +
                destination_.url_of(entry_.path));
  if (was_whole_) destination_.remove(entry_.path + kSuccess);
}

void ExportFolder::take_back(const std::vector<std::string>& paths) {
  bool as_it_was = true;
  for (const std::string& path : paths) {
    try {
      destination_.remove(path);
    } catch (const Error& error) {
      as_it_was = false;
      log_warning("a file of the failed export stays: " + destination_.url_of(path) + ": " + error.message());
    }
  }
  if (!was_whole_ || !as_it_was) return;
  try {
    if (success_ == nullptr)
      success_ = sealed_text(destination_, entry_.path + kSuccess, "", "application/octet-stream");
    success_->publish();
    was_whole_ = false;
  } catch (const Error& error) {
    log_warning("the files of the export before are there, their " + std::string(kSuccess) +
                " is gone: " + destination_.url_of(entry_.path) + ": " + error.message());
  }
}

void ExportFolder::take_back_below(const std::string& beginning, bool may_go_on) {
  was_whole_ = was_whole_ && !may_go_on;
  std::vector<std::string> paths;
  try {
    for (const Destination::Found& found : destination_.list(beginning)) paths.push_back(found.path);
  } catch (const Error& error) {
    log_warning("files of the failed export may stay: " + destination_.url_of(beginning) + ": " + error.message());
    return;
  }
  take_back(paths);
}

void ExportFolder::finish(const std::vector<StagedFile>& files) {
  step("export.published");
  try {
    check_alone(files);
  } catch (...) {
    take_back(names_of(files));
    throw;
  }
  was_whole_ = false;
  if (manifest_ != nullptr)
    manifest_->publish();
  else
    destination_.remove(entry_.path + kManifest);
  step("export.manifest");
  try {
    for (const StagedFile& file : files) old_.erase(file.name);
    for (const std::string& path : old_) destination_.remove(path);
  } catch (const Error& error) {
    throw Error(error.kind(), "the new files are there, and old ones stay beside them: " + error.message(),
                error.subject(), error.hint());
  }
  step("export.cleaned");
  if (!entry_.manifest) return;
  // Another process may have begun since: its files and ours are side by side then.
  old_.clear();
  check_alone(files);
  success_->publish();
}

void ExportFolder::check_alone(const std::vector<StagedFile>& files) {
  std::set<std::string> missing;
  for (const StagedFile& file : files) missing.insert(file.name);
  const std::set<std::string> ours = missing;
  bool others = false;
  for (const Destination::Found& found : destination_.list(entry_.path)) {
    missing.erase(found.path);
    others = others || (is_part(found.path, entry_.path) && !ours.contains(found.path) && !old_.contains(found.path));
    // Of a process that was slower than begin() here: these are not its files.
    if (found.path == entry_.path + kSuccess) destination_.remove(found.path);
  }
  if (missing.empty() && !others) return;
  was_whole_ = false;
  throw Error(ErrorKind::retryable, "another export wrote into this folder at the same time",
              destination_.url_of(entry_.path), "let one at a time write there, then run again");
}

std::string ExportFolder::manifest(const std::vector<StagedFile>& files) const {
  std::int64_t rows = 0, bytes = 0;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const StagedFile& file : files) {
    rows += file.rows;
    bytes += file.bytes;
    nlohmann::ordered_json one{
        {"path", file.name.substr(entry_.path.size())}, {"rows", file.rows}, {"bytes", file.bytes}};
    if (!file.digest.empty()) one["xxh3_128"] = file.digest;
    list.push_back(std::move(one));
  }
  const nlohmann::ordered_json all{{"table", entry_.table}, {"format", to_string(entry_.type)},
                                   {"run", run_},           {"written", utc_now()},
                                   {"rows", rows},          {"bytes", bytes},
                                   {"files", list}};
  return all.dump(1) + "\n";
}

}  // namespace pulk
