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
  S3Stage(const S3Settings& settings, const std::string& bucket, const std::string& prefix)
      : client_(std::make_shared<S3Client>(settings, bucket)), folder_(folder_of(prefix)) {}

  std::unique_ptr<OutputFile> create(const std::string& name) override {
    check_name(name);
    return create_s3_file(client_, folder_ + name, name);
  }

  void remove(const std::string& name) override {
    check_name(name);
    client_->remove(folder_ + name);
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
    for (const std::string& key : client_->keys(folder_)) add(key);
    for (const S3Client::Upload& upload : unfinished(folder_)) add(upload.key);
    return {names.begin(), names.end()};
  }

  std::string location() const override {
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
};

}  // namespace

std::unique_ptr<Stage> make_s3_stage(const S3Settings& settings, const std::string& bucket, const std::string& prefix) {
  Problems problems;
  check_s3(settings, bucket, prefix, problems);
  problems.throw_if_any(ErrorKind::usage);
  return std::make_unique<S3Stage>(settings, bucket, prefix);
}

}  // namespace pulk
