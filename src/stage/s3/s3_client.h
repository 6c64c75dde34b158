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
  S3Client(S3Settings settings, std::string bucket);
  ~S3Client();

  struct Upload {
    std::string key;
    std::string id;
  };
  Upload start_upload(const std::string& key);
  // Returns the part's ETag. The service refuses a part whose bytes are not those that were sent.
  std::string upload_part(const Upload& upload, int number, std::string_view bytes);
  // The object of `size` bytes is there when this returns, and may be there when it throws.
  void complete_upload(const Upload& upload, const std::vector<std::string>& etags, std::int64_t size);
  // Fine when it is not there. Not ended by cancel, and tried only twice: it is called when things went wrong.
  void abort_upload(const Upload& upload);

  void remove(const std::string& key);  // fine when it is not there
  // Keys that begin with the prefix, those behind a further '/' left out.
  std::vector<std::string> keys(const std::string& prefix);
  // Uploads that nobody completed.
  std::vector<Upload> uploads(const std::string& prefix);

  std::string url_of(const std::string& key) const;  // "s3://bucket/key", for people and warehouses

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
  HttpResponse attempt(const Call& call, HttpConnection& connection, const std::string& body_hash);
  void pause(int attempt, bool cancellable);
  std::optional<std::int64_t> size_of(const std::string& key);

  class Borrowed;
  const S3Settings settings_;
  const std::string bucket_;
  const S3Address address_;
  std::unique_ptr<AwsCredentialSource> credentials_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpConnection>> idle_;
};

}  // namespace pulk
