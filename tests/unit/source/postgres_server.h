// A PostgreSQL server of the test's own: a new cluster in a temporary folder, reached by a socket file, gone with the
// process. When the server's programs are missing, the test fails.
#pragma once

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "config/connections.h"
#include "pg/connection.h"

namespace pulk::test {

class PostgresServer {
 public:
  static PostgresServer& instance() {
    static PostgresServer server;
    return server;
  }

  PostgresConnection connection(const std::string& user = "postgres", const std::string& password = "",
                                const std::string& database = "postgres") const {
    PostgresConnection settings;
    settings.host = folder_;
    settings.database = database;
    settings.username = user;
    settings.password = Secret(password);
    settings.lock_timeout = 2;
    return settings;
  }

  std::unique_ptr<pg::Connection> connect(const std::string& user = "postgres",
                                          const std::string& database = "postgres") const {
    pg::Settings settings;
    settings.host = folder_;
    settings.database = database;
    settings.username = user;
    return std::make_unique<pg::Connection>(settings, nullptr);
  }

  void sql(const std::string& text) const { connect()->exec(text); }

  // A schema of its own for one test, dropped first when it is there.
  void new_schema(const std::string& name) const {
    sql("DROP SCHEMA IF EXISTS \"" + name + "\" CASCADE; CREATE SCHEMA \"" + name + "\"");
  }

  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

 private:
  PostgresServer() {
    find_programs();
    char name[] = "/tmp/pulk-pg-XXXXXX";
    if (mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = name;
    if (geteuid() == 0) {  // the server refuses to run as root
      const passwd* user = getpwnam("postgres");
      if (user == nullptr) throw std::runtime_error("no user postgres");
      uid_ = user->pw_uid;
      gid_ = user->pw_gid;
      if (chown(name, uid_, gid_) != 0) throw std::runtime_error("chown");
    }
    const std::string data = folder_ + "/data";
    const pid_t init = spawn({programs_ + "/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
                              "--locale=C.UTF-8", "--no-sync", "--no-instructions"});
    int status = 0;
    waitpid(init, &status, 0);
    if (status != 0) throw std::runtime_error("initdb failed: " + log());
    std::ofstream(data + "/pg_hba.conf") << "local all locked scram-sha-256\nlocal all all trust\n";
    server_ = spawn({programs_ + "/postgres", "-D", data, "-k", folder_, "-c", "listen_addresses=", "-c", "fsync=off",
                     "-c", "max_connections=40", "-c", "autovacuum=off", "-c", "shared_buffers=64MB"});
    wait_until_up();
  }

  ~PostgresServer() {
    kill(server_, SIGQUIT);
    waitpid(server_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void find_programs() {
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
      const std::string bin = entry.path().string() + "/bin";
      if (std::filesystem::exists(bin + "/initdb") && std::filesystem::exists(bin + "/postgres")) found.push_back(bin);
    }
    if (found.empty()) throw std::runtime_error("no PostgreSQL server in /usr/lib/postgresql: run scripts/setup.sh");
    programs_ = *std::max_element(found.begin(), found.end());
  }

  pid_t spawn(const std::vector<std::string>& arguments) const {
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const std::string log_file = folder_ + "/log";
    const pid_t child = fork();
    if (child != 0) return child;
    if (uid_ != 0 && (setgroups(0, nullptr) != 0 || setgid(gid_) != 0 || setuid(uid_) != 0)) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);  // a killed test leaves no server
    if (freopen(log_file.c_str(), "a", stdout) == nullptr || freopen(log_file.c_str(), "a", stderr) == nullptr)
      _exit(126);
    if (chdir(folder_.c_str()) != 0) _exit(126);
    execv(argv[0], argv.data());
    _exit(127);
  }

  void wait_until_up() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (;;) {
      try {
        connect();
        return;
      } catch (const Error& error) {
        if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error(error.what() + log());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  std::string log() const {
    std::ifstream in(folder_ + "/log");
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  std::string programs_;
  std::string folder_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  pid_t server_ = -1;
};

}  // namespace pulk::test
