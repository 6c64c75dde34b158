#include "orchestrator/doctor.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "orchestrator/doctor_probes.h"

namespace pulk {
namespace {

Check made(CheckStatus status, ErrorKind kind = ErrorKind::usage) { return {"x", status, 0, "", "", kind}; }

TEST(DoctorExitClass, OnlyFailuresCount) {
  EXPECT_EQ(exit_class(std::vector<Check>{}), 0);
  EXPECT_EQ(exit_class({made(CheckStatus::pass), made(CheckStatus::warn), made(CheckStatus::skip)}), 0);
}

TEST(DoctorExitClass, TheGravestFailureDecides) {
  const Check lock = made(CheckStatus::fail, ErrorKind::retryable), flag = made(CheckStatus::fail, ErrorKind::usage);
  const Check privilege = made(CheckStatus::fail, ErrorKind::refused),
              shape = made(CheckStatus::fail, ErrorKind::drift);
  EXPECT_EQ(exit_class({lock}), 2);
  EXPECT_EQ(exit_class({lock, flag}), 1);
  EXPECT_EQ(exit_class({lock, flag, privilege}), 5);
  EXPECT_EQ(exit_class({shape, privilege, flag}), 4);
}

TEST(DoctorProbes, PortThatListensAndPortThatDoesNot) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const int port = ntohs(address.sin_port);

  const std::chrono::seconds timeout(5);
  EXPECT_EQ(probe::connect_to(probe::resolve("127.0.0.1", timeout), port, timeout), "127.0.0.1");
  ::close(listener);
  try {
    probe::connect_to(probe::resolve("127.0.0.1", timeout), port, timeout);
    FAIL() << "a closed port took a connection";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::retryable);
    EXPECT_NE(error.message().find("127.0.0.1: "), std::string::npos) << error.message();
  }
}

TEST(DoctorProbes, NearestFolder) {
  EXPECT_EQ(probe::nearest_folder("/proc/no/such/folder"), "/proc");
  EXPECT_EQ(probe::nearest_folder("no/such/folder"), std::filesystem::current_path().string());
  EXPECT_EQ(probe::nearest_folder("/"), "/");
}

TEST(DoctorProbes, WritingLeavesNothingBehind) {
  std::string folder = (std::filesystem::temp_directory_path() / "pulk-doctor-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  probe::try_writing(folder);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  EXPECT_GT(probe::free_disk_bytes(folder), 0);
  EXPECT_TRUE(probe::same_disk(folder, folder));
  std::filesystem::remove(folder);
  EXPECT_THROW(probe::try_writing(folder), Error);
  EXPECT_THROW(probe::try_writing("/proc"), Error);
}

TEST(DoctorProbes, MemoryLimitIsThere) {
  const auto limit = probe::memory_limit();
  ASSERT_TRUE(limit.has_value());
  EXPECT_GT(limit->bytes, 1 << 20);
  EXPECT_FALSE(limit->set_by.empty());
}

}  // namespace
}  // namespace pulk
