// What the machine itself says, without any of pulk's rooms: names, ports, drivers, disks, memory. Called by the doctor
// only. Each probe ends within its deadline and throws Error with a next step when the answer is bad.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pulk::probe {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

struct Address {
  sockaddr_storage bytes{};
  socklen_t length = 0;
  std::string text;  // "127.0.0.1", "::1"
};

// Throws Error(retryable) when the name server does not answer in time, Error(usage) when there is no such name.
std::vector<Address> resolve(const std::string& host, std::chrono::milliseconds timeout);
// A connection that does not block, and the address that took it first; throws Error(retryable) with what each address
// said.
std::pair<Descriptor, std::string> open_connection(std::vector<Address> addresses, int port,
                                                   std::chrono::milliseconds timeout);
// Only the address.
std::string connect_to(std::vector<Address> addresses, int port, std::chrono::milliseconds timeout);

struct OdbcDriver {
  std::string name, library;
};
std::vector<OdbcDriver> odbc_drivers();
std::vector<std::string> odbc_data_sources();
// Throws Error(usage) with the loader's own words, which name a library that is missing behind this one.
void load_library(const std::string& path);

// The path itself when it is a folder, else the nearest folder above it that exists.
std::string nearest_folder(const std::string& path);
// Makes a nameless file and writes to it: permissions, read-only file systems and quotas all show here.
void try_writing(const std::string& folder);
std::int64_t free_disk_bytes(const std::string& folder);
bool same_disk(const std::string& folder, const std::string& other);

struct MemoryLimit {
  std::int64_t bytes = 0;
  std::string set_by;  // "the control group", "the memory that is free now"
};
// The smallest that applies to this process.
std::optional<MemoryLimit> memory_limit();

}  // namespace pulk::probe
