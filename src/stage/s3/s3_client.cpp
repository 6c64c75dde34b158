#include "stage/s3/s3_client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <random>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "http/xml_text.h"
#include "identity/aws_sigv4.h"
#include "stage/s3/s3_error.h"

namespace pulk {

namespace {

constexpr int kAttemptsToCleanUp = 2;

std::unique_ptr<AwsCredentialSource> credentials_of(const S3Settings& settings) {
  if (!settings.credentials)
    return aws_credential_chain({.profile = settings.profile,
                                 .region = settings.region,
                                 .ca_file = settings.ca_file,
                                 .cancel = settings.cancel});
  return given_aws_credentials(*settings.credentials);
}

// -1 for what is no number.
std::int64_t number_of(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size() ? number : -1;
}

HttpOptions options_of(const S3Settings& settings, bool cancellable) {
  return {.connect_seconds = settings.connect_seconds,
          .stall_seconds = settings.stall_seconds,
          .ca_file = settings.ca_file,
          .cancel = cancellable ? settings.cancel : nullptr};
}

}  // namespace

// A connection that goes back to the others unless the request failed on it.
class S3Client::Borrowed {
 public:
  Borrowed(S3Client& client, bool cancellable) : client_(client), pooled_(cancellable) {
    if (pooled_) {
      const std::lock_guard lock(client_.mutex_);
      if (!client_.idle_.empty()) {
        connection_ = std::move(client_.idle_.back());
        client_.idle_.pop_back();
      }
    }
    if (connection_ == nullptr)
      connection_ = std::make_unique<HttpConnection>(options_of(client_.settings_, cancellable));
  }
  HttpConnection& operator*() { return *connection_; }
  void give_back() {
    if (!pooled_) return;
    const std::lock_guard lock(client_.mutex_);
    client_.idle_.push_back(std::move(connection_));
  }

 private:
  S3Client& client_;
  bool pooled_;
  std::unique_ptr<HttpConnection> connection_;
};

S3Client::S3Client(S3Settings settings, std::string bucket)
    : settings_(std::move(settings)),
      bucket_(std::move(bucket)),
      address_(s3_address(settings_, bucket_)),
      credentials_(credentials_of(settings_)) {}

S3Client::~S3Client() = default;

std::string S3Client::url_of(const std::string& key) const { return "s3://" + bucket_ + "/" + key; }

HttpResponse S3Client::attempt(const Call& call, HttpConnection& connection, const std::string& body_hash) {
  AwsRequest request{.method = call.method,
                     .host = address_.host,
                     .path = address_.path + percent_encoded(call.key, true),
                     .query = call.query,
                     .headers = call.headers,
                     .payload_sha256 = body_hash};
  const std::string query = canonical_query(call.query);
  const std::string url = address_.scheme_and_host + request.path + (query.empty() ? "" : "?" + query);
  const auto headers =
      signed_headers(request, credentials_->get(), settings_.region, "s3", std::chrono::system_clock::now());
  return connection.send({.method = call.method, .url = url, .headers = headers, .body = call.body});
}

void S3Client::pause(int attempt, bool cancellable) {
  thread_local std::minstd_rand random(std::random_device{}());
  const auto longest = std::min(std::chrono::milliseconds(200) * (1 << attempt), std::chrono::milliseconds(5000));
  // Half of it by chance: lanes that were slowed down together must not come back together.
  const auto wait = longest / 2 + std::chrono::milliseconds(random() % static_cast<unsigned>(longest.count() / 2 + 1));
  const auto until = std::chrono::steady_clock::now() + wait;
  while (std::chrono::steady_clock::now() < until) {
    if (cancellable && cancelled()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

HttpResponse S3Client::send(const Call& call) {
  const std::string body_hash = sha256_hex(call.body);
  const bool cleaning_up = call.cleaning_up && settings_.cleans_up_through_cancel;
  bool renewed = false;
  for (int n = 1;; ++n) {
    const bool after_all = cleaning_up && cancelled();
    const int attempts = after_all ? kAttemptsToCleanUp : settings_.attempts;
    if (!after_all && cancelled()) settings_.cancel->check();
    try {
      Borrowed connection(*this, !after_all);
      HttpResponse answer = attempt(call, *connection, body_hash);
      connection.give_back();
      // Completing an upload may fail after a status of success was sent.
      const bool success = answer.status >= 200 && answer.status < 300;
      const bool failed_late = success && call.method == "POST" && answer.body.find("<Error>") != std::string::npos;
      if (success && !failed_late) return answer;
      if (answer.status == 404 && call.missing_is_fine && s3_code(answer) != "NoSuchBucket") return answer;
      if (s3_expired(answer) && !renewed && credentials_->renew()) {
        renewed = true;
        continue;
      }
      if (n >= attempts || !(s3_passes(answer) || failed_late))
        throw s3_error(answer, call.doing, url_of(call.key), settings_.region, credentials_->get().origin);
      log_debug("S3 answered " + s3_code(answer) + ", trying again: " + url_of(call.key));
    } catch (const Error& error) {
      // Interrupted on the way: from here on nothing interrupts it.
      if (cleaning_up && !after_all && cancelled()) {
        n = 0;
        continue;
      }
      // Those with the address of a server: it did not answer.
      if (error.kind() != ErrorKind::retryable || n >= attempts || !error.subject().starts_with("http")) throw;
      log_debug(error.message() + ", trying again: " + url_of(call.key));
    }
    pause(n - 1, !after_all);
  }
}

S3Client::Upload S3Client::start_upload(const std::string& key, const std::string& content_type) {
  Call call{.doing = "start an upload", .method = "POST", .key = key, .query = {{"uploads", ""}}};
  call.headers["content-type"] = content_type;
  if (settings_.encryption != S3Encryption::bucket_default)
    call.headers["x-amz-server-side-encryption"] = settings_.encryption == S3Encryption::kms ? "aws:kms" : "AES256";
  if (!settings_.kms_key.empty()) call.headers["x-amz-server-side-encryption-aws-kms-key-id"] = settings_.kms_key;
  const HttpResponse answer = send(call);
  const std::string id = xml_text(answer.body, "UploadId");
  if (id.empty()) throw s3_error(answer, call.doing, url_of(key), settings_.region, "");
  return {key, id, "", ""};
}

std::string S3Client::upload_part(const Upload& upload, int number, std::string_view bytes) {
  const HttpResponse answer = send({.doing = "upload part " + std::to_string(number),
                                    .method = "PUT",
                                    .key = upload.key,
                                    .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload.id}},
                                    .body = bytes});
  const std::string etag = answer.header("etag");
  if (etag.empty()) throw s3_error(answer, "upload a part: no ETag", url_of(upload.key), settings_.region, "");
  return etag;
}

std::optional<S3Client::Object> S3Client::find(const std::string& key) {
  for (Object& object : objects(key))
    if (object.key == key) return std::move(object);
  return std::nullopt;
}

void S3Client::complete_upload(const Upload& upload, const std::vector<std::string>& etags, std::int64_t size,
                               bool through_cancel) {
  std::string document = "<CompleteMultipartUpload>";
  for (std::size_t i = 0; i < etags.size(); ++i)
    document +=
        "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" + xml_escaped(etags[i]) + "</ETag></Part>";
  document += "</CompleteMultipartUpload>";
  const HttpResponse answer = send({.doing = "complete an upload",
                                    .method = "POST",
                                    .key = upload.key,
                                    .query = {{"uploadId", upload.id}},
                                    .headers = {{"content-type", "application/xml"}},
                                    .body = document,
                                    .cleaning_up = through_cancel,
                                    .missing_is_fine = true});
  if (answer.status != 404) return;
  // An earlier attempt was carried out and its answer lost: the object tells.
  const auto found = find(upload.key);
  if (!found || found->size != size || (!upload.replaces.empty() && found->etag == upload.replaces))
    throw s3_error(answer, "complete an upload", url_of(upload.key), settings_.region, "");
}

void S3Client::abort_upload(const Upload& upload) {
  send({.doing = "abort an upload",
        .method = "DELETE",
        .key = upload.key,
        .query = {{"uploadId", upload.id}},
        .cleaning_up = true,
        .missing_is_fine = true});
}

void S3Client::remove(const std::string& key) {
  send({.doing = "remove an object", .method = "DELETE", .key = key, .cleaning_up = true, .missing_is_fine = true});
}

std::vector<S3Client::Object> S3Client::objects(const std::string& prefix) { return listed(prefix, false); }
std::vector<S3Client::Object> S3Client::objects_below(const std::string& prefix) { return listed(prefix, true); }

std::vector<S3Client::Object> S3Client::listed(const std::string& prefix, bool below) {
  std::vector<Object> objects;
  Call call{.doing = "list the bucket", .method = "GET", .key = "", .cleaning_up = true};
  call.query = {{"list-type", "2"}, {"prefix", prefix}, {"encoding-type", "url"}};
  if (!below) call.query["delimiter"] = "/";
  for (;;) {
    const HttpResponse answer = send(call);
    for (const std::string_view object : xml_elements(answer.body, "Contents"))
      objects.push_back({percent_decoded(xml_text(object, "Key")), number_of(xml_text(object, "Size")),
                         xml_text(object, "ETag"), xml_text(object, "LastModified")});
    call.query["continuation-token"] = xml_text(answer.body, "NextContinuationToken");
    if (xml_text(answer.body, "IsTruncated") != "true") return objects;
  }
}

std::vector<S3Client::Upload> S3Client::uploads(const std::string& prefix) {
  std::vector<Upload> uploads;
  Call call{.doing = "list unfinished uploads", .method = "GET", .key = "", .cleaning_up = true};
  call.query = {{"uploads", ""}, {"prefix", prefix}, {"encoding-type", "url"}};
  for (;;) {
    const HttpResponse answer = send(call);
    for (const std::string_view upload : xml_elements(answer.body, "Upload"))
      uploads.push_back(
          {percent_decoded(xml_text(upload, "Key")), xml_text(upload, "UploadId"), "", xml_text(upload, "Initiated")});
    call.query["key-marker"] = percent_decoded(xml_text(answer.body, "NextKeyMarker"));
    call.query["upload-id-marker"] = xml_text(answer.body, "NextUploadIdMarker");
    if (xml_text(answer.body, "IsTruncated") != "true") return uploads;
  }
}

}  // namespace pulk
