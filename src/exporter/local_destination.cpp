#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/strings.h"
#include "exporter/destinations.h"
#include "stage/local/local_file.h"

namespace pulk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPartialPrefix = ".pulk-";

class LocalDestination : public Destination {
 public:
  LocalDestination(std::string folder, const CancelToken* ends)
      : folder_(fs::path(folder).lexically_normal().string()), ends_(ends) {
    while (folder_.size() > 1 && folder_.ends_with('/')) folder_.pop_back();
  }

  std::unique_ptr<OutputFile> create(const std::string& path, const std::string&) override {
    const fs::path full = url_of(path);
    make_folders(full.parent_path().string(), LocalAccess::umask);
    // Hidden, because readers of a whole folder take every file that is not; a name of this process's own, because two
    // processes that write one file must not write into each other's.
    return create_local_file(full.parent_path().string(), full.filename().string(),
                             kPartialPrefix + token_ + "-" + std::to_string(++number_) + kPartialSuffix,
                             LocalAccess::umask);
  }

  std::vector<Found> list(const std::string& prefix) override {
    std::vector<Found> all;
    for_each_file(folder_of(prefix), true, [&](const fs::path& full) {
      std::string path = full.lexically_relative(folder_).string();
      if (path.starts_with(prefix) && !is_partial(full)) all.push_back(found(std::move(path)));
    });
    std::sort(all.begin(), all.end(), [](const Found& a, const Found& b) { return a.path < b.path; });
    return all;
  }

  std::optional<Found> find(const std::string& path) override {
    std::error_code why;
    return fs::is_regular_file(url_of(path), why) ? std::optional(found(path)) : std::nullopt;
  }

  void remove(const std::string& path) override {
    const std::string full = url_of(path);
    if (::unlink(full.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) throw_file_error(errno, "remove", full);
  }

  void remove_left(const std::string& path) override {
    const auto before = fs::file_time_type::clock::now() - std::chrono::seconds(static_cast<int>(kLeftAfterSeconds));
    for_each_file(folder_of(path), path.ends_with('/'), [&](const fs::path& full) {
      std::error_code why;
      if (is_partial(full) && fs::last_write_time(full, why) < before && !why) ::unlink(full.c_str());
    });
  }

  std::string url_of(const std::string& path) const override { return (fs::path(folder_) / path).string(); }

  void check(const std::string& path) override {
    // The nearest folder that is there decides: nothing is made yet.
    fs::path folder = fs::path(folder_) / folder_of(path);
    std::error_code why;
    while (!fs::exists(folder, why) && folder != folder.parent_path()) folder = folder.parent_path();
    if (::access(folder.c_str(), W_OK | X_OK) != 0) throw_file_error(errno, "write to", folder.string() + "/");
    if (!fs::is_directory(folder, why)) throw_file_error(ENOTDIR, "write to", folder.string() + "/");
  }

  std::int64_t open_file_memory() const override { return 1 << 20; }

 private:
  static bool is_partial(const fs::path& path) {
    return path.filename().string().starts_with(kPartialPrefix) && path.extension() == kPartialSuffix;
  }

  static std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

  // All in a folder of the destination, which need not be there. Files come and go meanwhile: other exports run.
  template <typename Work>
  void for_each_file(const std::string& folder, bool below_too, const Work& work) const {
    const fs::path top = fs::path(folder_) / folder;
    std::error_code why;
    for (fs::recursive_directory_iterator entry(top, why), end; !why && entry != end; entry.increment(why)) {
      if (ends_ != nullptr) ends_->check();
      std::error_code gone;
      if (entry->is_regular_file(gone)) work(entry->path());
      if (!below_too) entry.disable_recursion_pending();
    }
    if (why && why != std::errc::no_such_file_or_directory && why != std::errc::not_a_directory)
      throw_file_error(why.value(), "list", top.string() + "/");
  }

  Found found(std::string path) const {
    std::error_code why;
    const fs::path full = url_of(path);
    Found file{.path = std::move(path), .bytes = static_cast<std::int64_t>(fs::file_size(full, why)), .modified = ""};
    const auto time = fs::last_write_time(full, why);
    if (!why)
      file.modified =
          fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(
                                                   std::chrono::time_point_cast<std::chrono::system_clock::duration>(
                                                       std::chrono::file_clock::to_sys(time)))));
    return file;
  }

  std::string folder_;
  const CancelToken* const ends_;
  const std::string token_ = new_run_id();
  std::atomic<int> number_{0};
};

}  // namespace

std::unique_ptr<Destination> make_local_destination(std::string folder, const CancelToken* ends) {
  return std::make_unique<LocalDestination>(std::move(folder), ends);
}

}  // namespace pulk
