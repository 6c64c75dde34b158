#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "exporter/destinations.h"
#include "stage/s3/s3_client.h"
#include "stage/s3/s3_file.h"
#include "stage/s3/s3_stage.h"

namespace pulk {
namespace {

class S3Destination : public Destination {
 public:
  S3Destination(S3Settings settings, const std::string& bucket, std::string prefix)
      : client_(std::make_shared<S3Client>(std::move(settings), bucket)), prefix_(std::move(prefix)) {}

  std::unique_ptr<OutputFile> create(const std::string& path, const std::string& content_type) override {
    return replace_s3_file(client_, prefix_ + path, content_type);
  }

  std::vector<Found> list(const std::string& prefix) override {
    std::vector<Found> all;
    for (const S3Client::Object& object : client_->objects_below(prefix_ + prefix)) all.push_back(found(object));
    return all;
  }

  std::optional<Found> find(const std::string& path) override {
    const auto object = client_->find(prefix_ + path);
    return object ? std::optional(found(*object)) : std::nullopt;
  }

  void remove(const std::string& path) override { client_->remove(prefix_ + path); }
  void remove_left(const std::string& path) override {
    const std::string before = utc_ago(kLeftAfterSeconds);
    try {
      for (const S3Client::Upload& upload : client_->uploads(prefix_ + path)) {
        const bool of_this = path.ends_with('/') || upload.key == prefix_ + path;
        // The two are written alike, so the order of texts is that of moments.
        if (of_this && !upload.started.empty() && upload.started < before) client_->abort_upload(upload);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::refused) throw;
      log_debug(error.what());
    }
  }
  std::string url_of(const std::string& path) const override { return client_->url_of(prefix_ + path); }

  void check(const std::string& path) override {
    const std::string key = prefix_ + path + (path.empty() || path.ends_with('/') ? "pulk-check" : "");
    client_->find(key);
    // An upload that is ended at once leaves nothing and needs the rights that a real one needs.
    client_->abort_upload(client_->start_upload(key));
  }

  std::int64_t open_file_memory() const override { return kS3FileMemory; }

 private:
  Found found(const S3Client::Object& object) const {
    return {object.key.substr(prefix_.size()), object.size, object.modified};
  }

  const std::shared_ptr<S3Client> client_;
  const std::string prefix_;  // "" or with a slash at its end
};

}  // namespace

std::unique_ptr<Destination> make_s3_destination(const std::string& bucket, std::string prefix,
                                                 const std::string& where, const CancelToken* cancel,
                                                 Problems& problems, WhenCancelled when) {
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty()) prefix += '/';
  S3Settings settings = s3_settings({});
  settings.cancel = cancel;
  settings.cleans_up_through_cancel = when == WhenCancelled::clean_up;
  Problems found;
  check_s3(settings, bucket, prefix, found);
  for (const Problem& problem : found.list()) problems.add(where, problem.where + " " + problem.what, problem.hint);
  if (!found.empty()) return nullptr;
  return std::make_unique<S3Destination>(std::move(settings), bucket, std::move(prefix));
}

}  // namespace pulk
