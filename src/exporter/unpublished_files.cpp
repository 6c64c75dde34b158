#include "exporter/unpublished_files.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "base/steps.h"

namespace pulk {
namespace {

// Each is two or three short requests: side by side, so that the time in which some files are there and others are not
// is short.
constexpr std::size_t kAtOnce = 4;

// Calls `work` for each file; the first exception ends it and is thrown.
template <typename Work>
void for_each(std::vector<std::unique_ptr<OutputFile>>& files, const Work& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < files.size();) {
      try {
        work(files[i]);
      } catch (...) {
        next = files.size();
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min(kAtOnce, files.size()); ++i) threads.emplace_back(run);
  run();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

class UnpublishedFiles::Held : public OutputFile {
 public:
  Held(UnpublishedFiles& all, std::unique_ptr<OutputFile> file) : all_(all), file_(std::move(file)) {}
  std::shared_ptr<arrow::io::OutputStream> stream() override { return file_->stream(); }
  StagedFile seal() override { return file_->seal(); }
  void publish() override {
    all_.files_.push_back(std::move(file_));
    step("export.file_sealed");
  }

 private:
  UnpublishedFiles& all_;
  std::unique_ptr<OutputFile> file_;
};

UnpublishedFiles::~UnpublishedFiles() {
  for_each(files_, [](std::unique_ptr<OutputFile>& file) { file.reset(); });
}

std::unique_ptr<OutputFile> UnpublishedFiles::hold(std::unique_ptr<OutputFile> file) {
  return std::make_unique<Held>(*this, std::move(file));
}

void UnpublishedFiles::publish() {
  for_each(files_, [](std::unique_ptr<OutputFile>& file) {
    file->publish();
    file.reset();
    step("export.file_published");
  });
  files_.clear();
}

}  // namespace pulk
