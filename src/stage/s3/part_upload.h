// The parts of one object on their way: a few at a time, each sent by a thread of its own, in buffers that are used
// again. Belongs to the thread that writes the object.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "stage/s3/s3_client.h"

namespace pulk {

// S3 wants at least 5 MiB per part and takes at most 10,000 parts: 78 GiB in one object.
inline constexpr std::int64_t kS3PartBytes = 8 << 20;
inline constexpr int kS3MostParts = 10'000;
inline constexpr int kS3PartsOnTheirWay = 2;
inline constexpr std::int64_t kS3LargestFile = kS3PartBytes * (kS3MostParts - 1);

// What one open object costs at most: the part that is filled and those on their way.
inline constexpr std::int64_t kS3ObjectBytes = kS3PartBytes * (kS3PartsOnTheirWay + 1);

class PartUpload {
 public:
  PartUpload(S3Client& client, S3Client::Upload upload);
  ~PartUpload();  // parts that wait are dropped, those that are being sent are waited for

  // A buffer of kS3PartBytes; waits while all are in use. Throws what a part before it failed with.
  std::unique_ptr<char[]> buffer();
  void send(std::unique_ptr<char[]> buffer, std::size_t size);
  // The ETags of all parts, in order; waits for them.
  std::vector<std::string> finish();

 private:
  struct Part {
    int number;
    std::unique_ptr<char[]> buffer;
    std::size_t size;
  };
  void run();
  void rethrow() const;

  S3Client& client_;
  const S3Client::Upload upload_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Part> waiting_;
  std::vector<std::unique_ptr<char[]>> free_;
  int buffers_ = 0;
  int open_ = 0;  // waiting or being sent
  bool ended_ = false;
  std::exception_ptr failure_;
  std::vector<std::string> etags_;
  std::vector<std::thread> threads_;
};

}  // namespace pulk
