// A stage on S3 driven from a command line, so that tests can kill it, measure it and take the network away.
// Settings come from the environment, as AWS names them; PROBE_ENCRYPTION: s3 or
// kms; PROBE_STALL: seconds.
//
//   pulk_s3_probe BUCKET PREFIX put NAME BYTES   prints {"name", "bytes", "digest"}; the content is that of content()
//   pulk_s3_probe BUCKET PREFIX discard NAME BYTES
//   pulk_s3_probe BUCKET PREFIX list             a name per line
//   pulk_s3_probe BUCKET PREFIX remove NAME
#include <arrow/io/interfaces.h>
#include <arrow/status.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "stage/s3/s3_stage.h"

namespace {

// Byte i is i * 131 + i / 65536, modulo 256: no part is like another.
void write(pulk::OutputFile& file, std::int64_t bytes) {
  std::vector<char> piece(100'000);
  for (std::int64_t at = 0; at < bytes;) {
    const auto size = std::min<std::int64_t>(bytes - at, static_cast<std::int64_t>(piece.size()));
    for (std::int64_t i = 0; i < size; ++i)
      piece[static_cast<std::size_t>(i)] = static_cast<char>((at + i) * 131 + (at + i) / 65536);
    if (!file.stream()->Write(piece.data(), size).ok()) std::abort();
    at += size;
  }
}

// "VmHWM: 12345 kB". Not getrusage(): its peak is that of the process that forked this one, if it was larger.
std::string peak() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM")) return line;
  return "";
}

int run(const std::vector<std::string>& words, pulk::CancelToken& cancel) {
  pulk::S3Settings settings = pulk::s3_settings({});
  settings.cancel = &cancel;
  if (const char* seconds = std::getenv("PROBE_STALL"); seconds != nullptr) settings.stall_seconds = std::atoi(seconds);
  if (const char* kind = std::getenv("PROBE_ENCRYPTION"); kind != nullptr)
    settings.encryption = std::string(kind) == "kms" ? pulk::S3Encryption::kms : pulk::S3Encryption::s3;
  pulk::Problems problems;
  pulk::check_s3(settings, words[1], words[2], problems);
  problems.throw_if_any();
  const auto stage = pulk::make_s3_stage(std::make_shared<pulk::S3Client>(settings, words[1]), words[2]);
  const std::string& what = words[3];
  if (what == "list") {
    for (const std::string& name : stage->list()) fmt::print("{}\n", name);
  } else if (what == "remove") {
    stage->remove(words.at(4));
  } else {
    const auto file = stage->create(words.at(4));
    write(*file, std::stoll(words.at(5)));
    if (what == "discard") return 0;
    const pulk::StagedFile staged = file->finish();
    fmt::print("{{\"name\": \"{}\", \"bytes\": {}, \"digest\": \"{}\", \"location\": \"{}\"}}\n", staged.name,
               staged.bytes, staged.digest, stage->location());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  ::signal(SIGPIPE, SIG_IGN);
  pulk::CancelToken cancel;
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, nullptr);
  std::thread([&] {
    int which = 0;
    ::sigwait(&term, &which);
    cancel.cancel();
  }).detach();
  int code = 0;
  try {
    code = run(words, cancel);
  } catch (const pulk::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    code = error.exit_code();
  }
  fmt::print(stderr, "{}\n", peak());
  std::fflush(nullptr);
  ::_exit(code);
}
