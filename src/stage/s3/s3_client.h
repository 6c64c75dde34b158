// The operations of S3 on one bucket that a stage needs, with retries. Throws Error as s3_error.h says, and
// Error(retryable) when nothing answers; texts hold no credential. Thread-safe: each running request has a connection
// of its own, kept open for the next.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/http.h"
#include "identity/aws_credentials.h"
#include "stage/s3/s3_settings.h"

namespace pulk {

class S3Client {
 public:
  // Asks nothing of the service. Settings and bucket must have passed check_s3().
  S3Client(S3Settings settings, std::string bucket);
  ~S3Client();

  struct Upload {
    std::string key;
    std::string id;
    std::string replaces;  // ETag of the object that has the key now; "" for none
    std::string started;   // "2026-11-21T16:43:00.000Z", in a listing
  };
  Upload start_upload(const std::string& key, const std::string& content_type = "application/octet-stream");
  // Returns the part's ETag. The service refuses a part whose bytes are not those that were sent.
  std::string upload_part(const Upload& upload, int number, std::string_view bytes);
  // The object of `size` bytes is there when this returns, and may be there when it throws. When the answer is lost the
  // object tells; one whose ETag is `replaces` is the old one.
  // `through_cancel`: it goes on when the run is cancelled, like what follows.
  void complete_upload(const Upload& upload, const std::vector<std::string>& etags, std::int64_t size,
                       bool through_cancel = false);

  // What follows cleans up, also behind an interrupted run: cancel does not end it, but then it is tried only twice.
  void abort_upload(const Upload& upload);  // fine when it is not there
  void remove(const std::string& key);      // fine when it is not there
  struct Object {
    std::string key;
    std::int64_t size = 0;
    std::string etag;
    std::string modified;  // "2026-11-21T16:43:00.000Z"
  };
  // Objects whose keys begin with the prefix, those behind a further '/' left out.
  std::vector<Object> objects(const std::string& prefix);
  std::vector<Object> objects_below(const std::string& prefix);  // those too
  // Uploads that nobody completed.
  std::vector<Upload> uploads(const std::string& prefix);

  // By listing, so that no right to read objects is needed. Nothing when there is no such object.
  std::optional<Object> find(const std::string& key);

  std::string url_of(const std::string& key) const;  // "s3://bucket/key", for people
  const std::string& region() const { return settings_.region; }
  // For people: where the credentials come from. Throws what finding them throws.
  std::string credentials_origin() { return credentials_->get().origin; }

 private:
  struct Call {
    std::string doing;
    std::string method;
    std::string key;
    std::map<std::string, std::string> query = {};
    std::map<std::string, std::string> headers = {};
    std::string_view body = {};
    bool cleaning_up = false;
    bool missing_is_fine = false;
  };
  HttpResponse send(const Call& call);
  std::vector<Object> listed(const std::string& prefix, bool below);
  HttpResponse attempt(const Call& call, HttpConnection& connection, const std::string& body_hash);
  void pause(int attempt, bool cancellable);
  bool cancelled() const { return settings_.cancel != nullptr && settings_.cancel->cancelled(); }

  class Borrowed;
  const S3Settings settings_;
  const std::string bucket_;
  const S3Address address_;
  std::unique_ptr<AwsCredentialSource> credentials_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpConnection>> idle_;
};

}  // namespace pulk
