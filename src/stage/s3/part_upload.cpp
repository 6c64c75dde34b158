#include "stage/s3/part_upload.h"

namespace pulk {

PartUpload::PartUpload(S3Client& client, S3Client::Upload upload) : client_(client), upload_(std::move(upload)) {}

PartUpload::~PartUpload() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void PartUpload::rethrow() const {
  if (failure_) std::rethrow_exception(failure_);
}

std::unique_ptr<char[]> PartUpload::buffer() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || !free_.empty() || buffers_ <= kS3PartsOnTheirWay; });
  rethrow();
  if (free_.empty()) {
    ++buffers_;
    return std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(kS3PartBytes));
  }
  auto buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

void PartUpload::send(std::unique_ptr<char[]> buffer, std::size_t size) {
  {
    const std::lock_guard lock(mutex_);
    rethrow();
    etags_.emplace_back();
    waiting_.push_back({static_cast<int>(etags_.size()), std::move(buffer), size});
    ++open_;
    if (open_ > static_cast<int>(threads_.size()) && threads_.size() < kS3PartsOnTheirWay)
      threads_.emplace_back([this] { run(); });
  }
  changed_.notify_all();
}

std::vector<std::string> PartUpload::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || open_ == 0; });
  rethrow();
  return etags_;
}

void PartUpload::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Part part = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    std::string etag;
    std::exception_ptr failure;
    try {
      etag = client_.upload_part(upload_, part.number, {part.buffer.get(), part.size});
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure && !failure_) {
      failure_ = failure;
      waiting_.clear();
    }
    etags_[static_cast<std::size_t>(part.number - 1)] = std::move(etag);
    free_.push_back(std::move(part.buffer));
    --open_;
    changed_.notify_all();
  }
}

}  // namespace pulk
