#include "stage/s3/s3_stage.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "stage/s3/s3_client.h"
#include "stage/s3/s3_file.h"

namespace pulk {

namespace {

// "" or "a/b/"
std::string folder_of(std::string prefix) {
  while (prefix.starts_with('/')) prefix.erase(0, 1);
  while (prefix.ends_with('/')) prefix.pop_back();
  return prefix.empty() ? "" : prefix + "/";
}

class S3Stage : public Stage {
 public:
  S3Stage(std::shared_ptr<S3Client> client, const std::string& prefix, bool keep, std::string location)
      : client_(std::move(client)), folder_(folder_of(prefix)), keep_(keep), location_(std::move(location)) {}

  std::unique_ptr<OutputFile> create(const std::string& name) override {
    check_name(name);
    return create_s3_file(client_, folder_ + name, name);
  }

  void remove(const std::string& name) override {
    check_name(name);
    if (!keep_) client_->remove(folder_ + name);
    for (const S3Client::Upload& upload : unfinished(folder_ + name))
      if (upload.key == folder_ + name) client_->abort_upload(upload);
  }

  std::vector<std::string> list() override {
    std::set<std::string> names;
    const auto add = [&](const std::string& key) {
      const std::string name = key.substr(folder_.size());
      // An object that stands for the folder has no name; files of folders below are not of this stage.
      if (!name.empty() && name.find('/') == name.npos) names.insert(name);
    };
    if (!keep_)
      for (const S3Client::Object& object : client_->objects(folder_)) add(object.key);
    for (const S3Client::Upload& upload : unfinished(folder_)) add(upload.key);
    return {names.begin(), names.end()};
  }

  std::string location() const override {
    if (!location_.empty()) return location_;
    std::string url = client_->url_of(folder_);
    url.pop_back();
    return url;
  }

 private:
  // Who may not list them can still move tables; a rule of the bucket ends them then.
  std::vector<S3Client::Upload> unfinished(const std::string& prefix) {
    try {
      return client_->uploads(prefix);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::refused) throw;
      log_debug(error.what());
      return {};
    }
  }

  static void check_name(const std::string& name) {
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
      throw Error(ErrorKind::internal, "not a name for a staged file: \"" + name + "\"");
  }

  std::shared_ptr<S3Client> client_;
  const std::string folder_;
  const bool keep_;
  const std::string location_;
};

}  // namespace

std::unique_ptr<Stage> make_s3_stage(std::shared_ptr<S3Client> client, const std::string& prefix, bool keep,
                                     std::string location) {
  return std::make_unique<S3Stage>(std::move(client), prefix, keep, std::move(location));
}

}  // namespace pulk
