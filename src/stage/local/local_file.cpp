#include "stage/local/local_file.h"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/status.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/strings.h"
#include "stage/content_digest.h"

namespace pulk {

namespace {

// Pages of narrow columns are small; a system call for each would cost more than the copy that gathers them. What is
// at least half as large as the buffer goes to the kernel from where it lies.
constexpr std::size_t kBufferBytes = 256 * 1024;

class DigestStream : public arrow::io::OutputStream {
 public:
  DigestStream(std::string path, LocalAccess access) : path_(std::move(path)) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, access == LocalAccess::owner ? 0600 : 0666);
    if (fd_ < 0) throw_file_error(errno, "create", path_);
    buffer_.reserve(kBufferBytes);
  }
  ~DigestStream() override {
    if (fd_ >= 0) ::close(fd_);
  }

  using arrow::io::OutputStream::Write;
  arrow::Status Write(const void* data, std::int64_t bytes) override {
    const auto size = static_cast<std::size_t>(bytes);
    const auto* from = static_cast<const char*>(data);
    const bool large = size >= kBufferBytes / 2;
    // What was written before a large piece goes out before it, even where both would fit into the buffer.
    if (large || buffer_.size() + size > kBufferBytes) drain();
    if (large) {
      write_out(from, size);
    } else {
      buffer_.append(from, size);
    }
    position_ += bytes;
    return arrow::Status::OK();
  }
  arrow::Status Flush() override {
    drain();
    return arrow::Status::OK();
  }
  // The file itself is closed by sync_and_close(): a Parquet writer that closes its sink must not end the file early.
  arrow::Status Close() override {
    drain();
    closed_ = true;
    return arrow::Status::OK();
  }
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  bool closed() const override { return closed_; }

  void sync_and_close() {
    drain();
    closed_ = true;
    // close() after a successful fsync has nothing left that could fail on a local disk, but NFS reports here.
    if (::fsync(fd_) != 0) throw_file_error(errno, "write", path_);
    const int fd = fd_;
    fd_ = -1;
    if (::close(fd) != 0) throw_file_error(errno, "write", path_);
  }

  std::int64_t position() const { return position_; }

  std::string digest() const { return digest_.hex(); }

 private:
  void drain() {
    if (buffer_.empty()) return;
    write_out(buffer_.data(), buffer_.size());
    buffer_.clear();
  }
  void write_out(const char* data, std::size_t size) {
    digest_.add(data, size);
    while (size > 0) {
      const ssize_t n = ::write(fd_, data, size);
      if (n < 0) {
        if (errno == EINTR) continue;
        throw_file_error(errno, "write", path_);
      }
      data += n;
      size -= static_cast<std::size_t>(n);
    }
  }

  std::string path_;
  ContentDigest digest_;
  int fd_ = -1;
  std::string buffer_;
  std::int64_t position_ = 0;
  bool closed_ = false;
};

class LocalFile : public OutputFile {
 public:
  LocalFile(const std::string& folder, std::string name, const std::string& partial, LocalAccess access)
      : folder_(folder),
        name_(std::move(name)),
        partial_(folder_ + "/" + partial),
        stream_(std::make_shared<DigestStream>(partial_, access)) {}
  ~LocalFile() override {
    if (!published_) ::unlink(partial_.c_str());
  }

  std::shared_ptr<arrow::io::OutputStream> stream() override { return stream_; }

  StagedFile seal() override {
    stream_->sync_and_close();
    StagedFile file;
    file.name = name_;
    file.bytes = stream_->position();
    file.digest = stream_->digest();
    stream_.reset();
    return file;
  }

  void publish() override {
    const std::string path = folder_ + "/" + name_;
    if (::rename(partial_.c_str(), path.c_str()) != 0) throw_file_error(errno, "rename", path);
    published_ = true;
    sync_folder(folder_);
  }

 private:
  std::string folder_;
  std::string name_;
  std::string partial_;
  std::shared_ptr<DigestStream> stream_;
  bool published_ = false;
};

}  // namespace

void throw_file_error(int error_number, const std::string& doing, const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const std::string why = "cannot " + doing + " a file: " + std::strerror(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT: {
      struct statvfs room {};
      std::string left;
      if (::statvfs(folder.c_str(), &room) == 0)
        left = ", " + format_bytes(static_cast<std::int64_t>(room.f_bavail * room.f_frsize)) + " free";
      throw Error(ErrorKind::retryable, why + " (" + folder + left + ")", path,
                  "make room on this disk or name another folder, then run again");
    }
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ENOENT:
      throw Error(ErrorKind::usage, why, path, "check the folder and who may write to it");
    default:
      throw Error(ErrorKind::retryable, why, path);
  }
}

void sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw_file_error(errno, "open", folder + "/");
  const int code = ::fsync(fd);
  const int why = errno;
  ::close(fd);
  // Some file systems have no fsync for folders and say EINVAL; there is nothing more to be done on them.
  if (code != 0 && why != EINVAL) throw_file_error(why, "sync", folder + "/");
}

void make_folders(const std::string& folder, LocalAccess access) {
  const mode_t mode = access == LocalAccess::owner ? 0700 : 0777;
  if (::mkdir(folder.c_str(), mode) != 0) {
    if (errno == EEXIST) return;  // a file of this name fails at the first open, with ENOTDIR
    if (errno != ENOENT) throw_file_error(errno, "create", folder);
    make_folders(std::filesystem::path(folder).parent_path().string(), access);
    if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) throw_file_error(errno, "create", folder);
  }
  sync_folder(std::filesystem::path(folder).parent_path().string());
}

std::unique_ptr<OutputFile> create_local_file(const std::string& folder, const std::string& name) {
  return create_local_file(folder, name, name + kPartialSuffix, LocalAccess::owner);
}

std::unique_ptr<OutputFile> create_local_file(const std::string& folder, const std::string& name,
                                              const std::string& partial, LocalAccess access) {
  return std::make_unique<LocalFile>(folder, name, partial, access);
}

}  // namespace pulk
