#include "orchestrator/doctor_probes.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sql.h>
#include <sqlext.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/strings.h"

namespace pulk::probe {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Resolved {
  int code = 0;
  int system_error = 0;
  std::vector<Address> addresses;
};

Resolved look_up(const std::string& host) {
  Resolved result;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  result.code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  result.system_error = errno;
  if (result.code != 0) return result;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    Address address;
    std::memcpy(&address.bytes, one->ai_addr, one->ai_addrlen);
    address.length = one->ai_addrlen;
    char text[NI_MAXHOST] = {};
    ::getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    address.text = text;
    result.addresses.push_back(std::move(address));
  }
  ::freeaddrinfo(list);
  return result;
}

// "" when the port took the connection, else why not.
std::string try_connect(const Descriptor& socket, Address& address, int port, Clock::time_point deadline) {
  if (address.bytes.ss_family == AF_INET6)
    reinterpret_cast<sockaddr_in6*>(&address.bytes)->sin6_port = htons(static_cast<std::uint16_t>(port));
  else
    reinterpret_cast<sockaddr_in*>(&address.bytes)->sin_port = htons(static_cast<std::uint16_t>(port));
  if (socket.get() < 0) return std::strerror(errno);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.length) == 0) return "";
  if (errno != EINPROGRESS) return std::strerror(errno);
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd wait{socket.get(), POLLOUT, 0};
    const int ready = left <= 0 ? 0 : ::poll(&wait, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return "no answer in time";
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? "" : std::strerror(error);
  }
}

// Calls `fetch(direction, name)` until it says that there is no more.
template <typename Fetch>
void for_each_name(const Fetch& fetch) {
  SQLHENV handle = SQL_NULL_HENV;
  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &handle))) return;
  const std::unique_ptr<void, void (*)(void*)> owner(handle, [](void* h) { SQLFreeHandle(SQL_HANDLE_ENV, h); });
  SQLSetEnvAttr(handle, SQL_ATTR_ODBC_VERSION, reinterpret_cast<SQLPOINTER>(SQL_OV_ODBC3), 0);
  SQLUSMALLINT direction = SQL_FETCH_FIRST;
  while (fetch(handle, direction)) direction = SQL_FETCH_NEXT;
}

std::optional<std::int64_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  std::string text;
  if (!(in >> text)) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // "max" is no limit; cgroup v1 writes one as a number near 2^63.
  if (error != std::errc() || number > std::numeric_limits<std::int64_t>::max() / 2) return std::nullopt;
  return number;
}

// Every group up to the root limits those below it. In a container only a part of the path may be visible.
std::optional<std::int64_t> control_group_limit() {
  std::optional<std::int64_t> smallest;
  const auto take = [&](const std::optional<std::int64_t>& limit) {
    if (limit && (!smallest || *limit < *smallest)) smallest = limit;
  };
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> parts = split(line, ':');
    if (parts.size() < 3) continue;
    const bool unified = parts[0] == "0" && parts[1].empty();
    const std::vector<std::string> controllers = split(parts[1], ',');
    if (!unified && std::find(controllers.begin(), controllers.end(), "memory") == controllers.end()) continue;
    const fs::path root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const char* file = unified ? "memory.max" : "memory.limit_in_bytes";
    for (fs::path group = fs::path(parts[2]).relative_path();; group = group.parent_path()) {
      take(number_in(root / group / file));
      if (group.empty()) break;
    }
  }
  return smallest;
}

std::optional<std::int64_t> available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::int64_t kilobytes = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    if (fields >> name >> kilobytes && name == "MemAvailable:") return kilobytes * 1024;
  }
  return std::nullopt;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::vector<Address> resolve(const std::string& host, std::chrono::milliseconds timeout) {
  // getaddrinfo has no deadline: it runs in a thread of its own, which is left behind when it is too slow.
  auto promise = std::make_shared<std::promise<Resolved>>();
  std::future<Resolved> future = promise->get_future();
  std::thread([promise, host] { promise->set_value(look_up(host)); }).detach();
  if (future.wait_for(timeout) != std::future_status::ready)
    throw Error(ErrorKind::retryable, "no name server answered in time", host,
                "check the network and /etc/resolv.conf");
  Resolved found = future.get();
  if (found.code == 0 && !found.addresses.empty()) return std::move(found.addresses);
  const std::string why = found.code == EAI_SYSTEM ? std::strerror(found.system_error) : ::gai_strerror(found.code);
  throw Error(found.code == EAI_AGAIN ? ErrorKind::retryable : ErrorKind::usage, "the name does not resolve: " + why,
              host, "check the spelling of host, and that this machine can resolve it: getent hosts " + host);
}

std::pair<Descriptor, std::string> open_connection(std::vector<Address> addresses, int port,
                                                   std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  std::vector<std::string> answers;
  for (Address& address : addresses) {
    Descriptor socket(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const std::string why = try_connect(socket, address, port, deadline);
    if (why.empty()) return {std::move(socket), address.text};
    answers.push_back(address.text + ": " + why);
  }
  throw Error(ErrorKind::retryable, join(answers, "; "), "port " + std::to_string(port),
              "check that the server runs and listens on this address and port, and that no firewall is in between");
}

std::string connect_to(std::vector<Address> addresses, int port, std::chrono::milliseconds timeout) {
  return open_connection(std::move(addresses), port, timeout).second;
}

std::vector<OdbcDriver> odbc_drivers() {
  std::vector<OdbcDriver> drivers;
  for_each_name([&](SQLHENV handle, SQLUSMALLINT direction) {
    SQLCHAR name[256] = {}, attributes[4096] = {};
    SQLSMALLINT name_length = 0, attributes_length = 0;
    if (!SQL_SUCCEEDED(SQLDrivers(handle, direction, name, sizeof name, &name_length, attributes, sizeof attributes - 2,
                                  &attributes_length)))
      return false;
    OdbcDriver driver{reinterpret_cast<const char*>(name), ""};
    // "Key=value" texts one after the other, an empty one ends them.
    for (const char* at = reinterpret_cast<const char*>(attributes); *at != '\0'; at += std::strlen(at) + 1)
      if (to_lower(std::string_view(at).substr(0, 7)) == "driver=") driver.library = at + 7;
    drivers.push_back(std::move(driver));
    return true;
  });
  return drivers;
}

std::vector<std::string> odbc_data_sources() {
  std::vector<std::string> names;
  for_each_name([&](SQLHENV handle, SQLUSMALLINT direction) {
    SQLCHAR name[256] = {}, about[256] = {};
    SQLSMALLINT name_length = 0, about_length = 0;
    if (!SQL_SUCCEEDED(
            SQLDataSources(handle, direction, name, sizeof name, &name_length, about, sizeof about, &about_length)))
      return false;
    names.emplace_back(reinterpret_cast<const char*>(name));
    return true;
  });
  return names;
}

void load_library(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    std::string text = why != nullptr ? why : "cannot be loaded";
    if (text.starts_with(path + ": ")) text.erase(0, path.size() + 2);
    throw Error(ErrorKind::usage, text, path, "install what is missing, or correct the path");
  }
  ::dlclose(library);
}

std::string nearest_folder(const std::string& path) {
  std::error_code ignored;
  fs::path folder = fs::absolute(path).lexically_normal();
  while (!fs::exists(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  return folder.string();
}

void try_writing(const std::string& folder) {
  const auto fail = [&](int code) {
    throw Error(code == ENOSPC || code == EDQUOT ? ErrorKind::retryable : ErrorKind::usage,
                std::string("cannot be written to: ") + std::strerror(code), folder,
                code == ENOSPC || code == EDQUOT ? "make room on this disk"
                                                 : "choose another folder, or change its owner or mode");
  };
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) fail(ENOTDIR);
  std::string name = folder + "/.pulk-doctor-XXXXXX";
  const Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (file.get() < 0) fail(errno);
  ::unlink(name.c_str());
  if (::write(file.get(), "pulk", 4) != 4) fail(errno);
}

std::int64_t free_disk_bytes(const std::string& folder) {
  struct statvfs room{};
  if (::statvfs(folder.c_str(), &room) != 0) throw Error(ErrorKind::usage, std::strerror(errno), folder);
  return static_cast<std::int64_t>(room.f_bavail) * static_cast<std::int64_t>(room.f_frsize);
}

bool same_disk(const std::string& folder, const std::string& other) {
  struct stat a{}, b{};
  return ::stat(folder.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 && a.st_dev == b.st_dev;
}

std::optional<MemoryLimit> memory_limit() {
  std::optional<MemoryLimit> limit;
  if (const auto bytes = available_memory()) limit = {*bytes, "the memory that is free now"};
  if (const auto bytes = control_group_limit(); bytes && (!limit || *bytes < limit->bytes))
    limit = {*bytes, "the control group"};
  return limit;
}

}  // namespace pulk::probe
