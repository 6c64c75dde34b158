#include "stage/s3/s3_file.h"

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "stage/content_digest.h"
#include "stage/s3/part_upload.h"

namespace pulk {

namespace {

class PartStream : public arrow::io::OutputStream {
 public:
  PartStream(S3Client& client, S3Client::Upload upload)
      : client_(client), upload_(std::move(upload)), parts_(client, upload_) {}

  using arrow::io::OutputStream::Write;
  arrow::Status Write(const void* data, std::int64_t bytes) override {
    const auto* from = static_cast<const char*>(data);
    auto left = static_cast<std::size_t>(bytes);
    digest_.add(from, left);
    while (left > 0) {
      if (buffer_ == nullptr) buffer_ = parts_.buffer();
      const std::size_t piece = std::min(left, static_cast<std::size_t>(kS3PartBytes) - filled_);
      std::memcpy(buffer_.get() + filled_, from, piece);
      filled_ += piece;
      from += piece;
      left -= piece;
      if (filled_ == static_cast<std::size_t>(kS3PartBytes)) send();
    }
    position_ += bytes;
    return arrow::Status::OK();
  }
  // The object is completed by publish(): a Parquet writer that closes its sink must not end it early.
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  bool closed() const override { return closed_; }

  // The ETags of all parts, when the last one has arrived.
  std::vector<std::string> finish() {
    closed_ = true;
    // An object has at least one part, be it empty.
    if (buffer_ == nullptr && sent_ == 0) buffer_ = parts_.buffer();
    if (buffer_ != nullptr) send();
    return parts_.finish();
  }
  std::int64_t position() const { return position_; }
  std::string digest() const { return digest_.hex(); }

 private:
  void send() {
    if (sent_ == kS3MostParts)
      throw Error(ErrorKind::usage, "the file is larger than S3 takes in 10,000 parts of 8 MiB",
                  client_.url_of(upload_.key), "make the files smaller");
    ++sent_;
    parts_.send(std::move(buffer_), filled_);
    filled_ = 0;
  }

  S3Client& client_;
  const S3Client::Upload upload_;
  PartUpload parts_;
  ContentDigest digest_;
  std::unique_ptr<char[]> buffer_;
  std::size_t filled_ = 0;
  int sent_ = 0;
  std::int64_t position_ = 0;
  bool closed_ = false;
};

class S3File : public OutputFile {
 public:
  S3File(std::shared_ptr<S3Client> client, S3Client::Upload upload, std::string name, bool through_cancel)
      : client_(std::move(client)),
        name_(std::move(name)),
        through_cancel_(through_cancel),
        upload_(std::move(upload)),
        stream_(std::make_shared<PartStream>(*client_, upload_)) {}
  ~S3File() override {
    if (published_) return;
    // After the last part: one that arrives behind the abort would stay, and be paid for.
    stream_.reset();
    try {
      client_->abort_upload(upload_);
    } catch (const Error& error) {
      log_warning("an unfinished upload stays in the bucket: " + client_->url_of(upload_.key) + ": " + error.message());
    }
  }

  std::shared_ptr<arrow::io::OutputStream> stream() override { return stream_; }

  StagedFile seal() override {
    etags_ = stream_->finish();
    bytes_ = stream_->position();
    StagedFile file{.name = name_, .rows = 0, .bytes = bytes_, .digest = stream_->digest()};
    stream_.reset();
    return file;
  }

  void publish() override {
    client_->complete_upload(upload_, etags_, bytes_, through_cancel_);
    const auto found = client_->find(upload_.key);
    if (!found || found->size != bytes_)
      throw Error(ErrorKind::retryable,
                  !found ? "the upload was completed and the object is not there"
                         : "the object has " + std::to_string(found->size) + " bytes where " + std::to_string(bytes_) +
                               " were sent",
                  client_->url_of(upload_.key));
    published_ = true;
  }

 private:
  std::shared_ptr<S3Client> client_;
  std::string name_;
  const bool through_cancel_;
  S3Client::Upload upload_;
  std::shared_ptr<PartStream> stream_;
  std::vector<std::string> etags_;
  std::int64_t bytes_ = 0;
  bool published_ = false;
};

}  // namespace

std::unique_ptr<OutputFile> create_s3_file(std::shared_ptr<S3Client> client, const std::string& key, std::string name) {
  S3Client::Upload upload = client->start_upload(key);
  return std::make_unique<S3File>(std::move(client), std::move(upload), std::move(name), false);
}

std::unique_ptr<OutputFile> replace_s3_file(std::shared_ptr<S3Client> client, const std::string& key,
                                            const std::string& content_type) {
  const auto old = client->find(key);
  S3Client::Upload upload = client->start_upload(key, content_type);
  if (old) upload.replaces = old->etag;
  return std::make_unique<S3File>(std::move(client), std::move(upload), key, true);
}

}  // namespace pulk
