#include "stage/local/local_stage.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "stage/local/local_file.h"

namespace pulk {

namespace {

namespace fs = std::filesystem;

class LocalStage : public Stage {
 public:
  explicit LocalStage(std::string folder) : folder_(fs::absolute(folder).lexically_normal().string()) {
    while (folder_.size() > 1 && folder_.back() == '/') folder_.pop_back();
  }

  std::unique_ptr<OutputFile> create(const std::string& name) override {
    check_name(name);
    make_folders(folder_);
    return create_local_file(folder_, name);
  }

  void remove(const std::string& name) override {
    check_name(name);
    const std::string path = folder_ + "/" + name;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) throw_file_error(errno, "remove", path);
  }

  std::vector<std::string> list() override {
    std::vector<std::string> names;
    std::error_code why;
    for (fs::directory_iterator entry(folder_, why), end; !why && entry != end; entry.increment(why)) {
      if (entry->is_regular_file(why)) names.push_back(entry->path().filename().string());
    }
    if (why && why != std::errc::no_such_file_or_directory) throw_file_error(why.value(), "list", folder_ + "/");
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string location() const override { return folder_; }

 private:
  static void check_name(const std::string& name) {
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
      throw Error(ErrorKind::internal, "not a name for a staged file: \"" + name + "\"");
  }

  std::string folder_;
};

}  // namespace

std::unique_ptr<Stage> make_local_stage(std::string folder) { return std::make_unique<LocalStage>(std::move(folder)); }

}  // namespace pulk
