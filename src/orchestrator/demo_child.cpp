#include "orchestrator/demo_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace pulk::demo {

namespace {

struct Pipe {
  int read = -1, write = -1;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw Error(ErrorKind::retryable, std::string("no pipe: ") + std::strerror(errno));
    read = ends[0];
    write = ends[1];
  }
  ~Pipe() {
    ::close(read);
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_write() {
    if (write >= 0) ::close(write);
    write = -1;
  }
};

// Cuts a stream of bytes into lines; the last one may lack its end.
class Lines {
 public:
  explicit Lines(const OnLine& on_line) : on_line_(on_line) {}
  void add(std::string_view bytes) {
    while (true) {
      const std::size_t end = bytes.find('\n');
      if (end == std::string_view::npos) break;
      if (rest_.empty()) {
        on_line_(bytes.substr(0, end));
      } else {
        rest_.append(bytes.substr(0, end));
        on_line_(rest_);
        rest_.clear();
      }
      bytes.remove_prefix(end + 1);
    }
    rest_.append(bytes);
  }
  void finish() {
    if (!rest_.empty()) on_line_(rest_);
    rest_.clear();
  }

 private:
  const OnLine& on_line_;
  std::string rest_;
};

class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

std::vector<std::string> environment_of(const ChildCommand& command) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name(*entry, std::strcspn(*entry, "="));
    if (command.set.contains(name)) continue;
    if (std::find(command.unset.begin(), command.unset.end(), name) != command.unset.end()) continue;
    result.emplace_back(*entry);
  }
  for (const auto& [name, value] : command.set) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

ChildEnd run_child(const ChildCommand& command, const OnLine& on_output, const OnLine& on_error) {
  // Everything that allocates comes before fork(): another thread may hold the allocator's lock.
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> environment = environment_of(command);
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(environment);
  Pipe output, error, start_error;
  const pid_t parent = ::getpid();

  const pid_t pid = ::fork();
  if (pid < 0) throw Error(ErrorKind::retryable, std::string("cannot start: ") + std::strerror(errno), command.argv[0]);
  if (pid == 0) {
    // Nothing of the demo goes on working when the demo is gone.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(output.write, STDOUT_FILENO);
    ::dup2(error.write, STDERR_FILENO);
    ::signal(SIGPIPE, SIG_DFL);
    if (command.folder.empty() || ::chdir(command.folder.c_str()) == 0) ::execve(argv[0], argv.data(), envp.data());
    const int why = errno;
    [[maybe_unused]] const ssize_t written = ::write(start_error.write, &why, sizeof why);
    ::_exit(127);
  }
  Child child(pid);
  output.close_write();
  error.close_write();
  start_error.close_write();

  int why = 0;
  ssize_t got = 0;
  while ((got = ::read(start_error.read, &why, sizeof why)) < 0 && errno == EINTR) {
  }
  if (got == sizeof why)
    throw Error(ErrorKind::usage, std::string("cannot be started: ") + std::strerror(why), command.argv[0]);

  Lines out_lines(on_output), error_lines(on_error);
  std::array<pollfd, 2> waits{{{output.read, POLLIN, 0}, {error.read, POLLIN, 0}}};
  std::array<Lines*, 2> lines{&out_lines, &error_lines};
  std::vector<char> buffer(64 * 1024);
  while (waits[0].fd >= 0 || waits[1].fd >= 0) {
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR)
      throw Error(ErrorKind::internal, std::string("poll: ") + std::strerror(errno));
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].fd < 0 || waits[i].revents == 0) continue;
      const ssize_t n = ::read(waits[i].fd, buffer.data(), buffer.size());
      if (n > 0) {
        lines[i]->add({buffer.data(), static_cast<std::size_t>(n)});
      } else if (n == 0) {
        lines[i]->finish();
        waits[i].fd = -1;
      }
    }
  }
  const int status = child.wait();
  if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

}  // namespace pulk::demo
