// A link with a delay: forwards TCP connections and holds every byte back. delay_proxy LISTEN_PORT TARGET_PORT
// MICROSECONDS Each way is delayed by the given time, so a round trip takes twice that. Its bandwidth is not limited:
// at most 8 MiB per direction are on their way at once.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kOnTheWay = 8 << 20;

struct Pipe {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::pair<Clock::time_point, std::vector<char>>> chunks;
  std::size_t bytes = 0;
  bool ended = false;
};

// One thread reads and stamps, one sleeps and writes.
void forward(int from, int to, std::chrono::microseconds delay) {
  auto pipe = std::make_shared<Pipe>();
  std::thread([pipe, from, delay] {
    std::vector<char> buffer(256 << 10);
    for (;;) {
      const ssize_t size = read(from, buffer.data(), buffer.size());
      std::unique_lock lock(pipe->mutex);
      if (size <= 0) {
        pipe->ended = true;
        pipe->changed.notify_all();
        return;
      }
      pipe->changed.wait(lock, [&] { return pipe->bytes < kOnTheWay; });
      pipe->chunks.emplace_back(Clock::now() + delay, std::vector<char>(buffer.data(), buffer.data() + size));
      pipe->bytes += static_cast<std::size_t>(size);
      pipe->changed.notify_all();
    }
  }).detach();
  std::thread([pipe, to] {
    for (;;) {
      std::unique_lock lock(pipe->mutex);
      pipe->changed.wait(lock, [&] { return !pipe->chunks.empty() || pipe->ended; });
      if (pipe->chunks.empty()) break;
      auto [when, data] = std::move(pipe->chunks.front());
      pipe->chunks.pop_front();
      lock.unlock();
      std::this_thread::sleep_until(when);
      for (std::size_t done = 0; done < data.size();) {
        const ssize_t size = write(to, data.data() + done, data.size() - done);
        if (size <= 0) break;
        done += static_cast<std::size_t>(size);
      }
      lock.lock();
      pipe->bytes -= data.size();
      pipe->changed.notify_all();
    }
    shutdown(to, SHUT_RDWR);
  }).detach();
}

sockaddr_in local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 1;
  signal(SIGPIPE, SIG_IGN);
  const int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in here = local(std::atoi(argv[1])), there = local(std::atoi(argv[2]));
  if (bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 || listen(listener, 64) != 0) {
    std::perror("delay_proxy");
    return 1;
  }
  const std::chrono::microseconds delay(std::atoi(argv[3]));
  for (;;) {
    const int client = accept(listener, nullptr, nullptr), server = socket(AF_INET, SOCK_STREAM, 0);
    if (client < 0 || connect(server, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) return 1;
    for (const int socket : {client, server}) setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    forward(client, server, delay);
    forward(server, client, delay);
  }
}
