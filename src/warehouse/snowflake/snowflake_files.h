// Where the files of runs wait for COPY: on stages of pulk's own, on a stage that the user named, or in the bucket
// behind one. What Snowflake tells of the user's stage is asked once, when it is needed first.
//
// Threads: safe to call from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adbc/snowflake/client.h"
#include "base/cancel.h"
#include "config/snowflake_connection.h"
#include "stage/s3/s3_client.h"
#include "warehouse/snowflake/named_stage.h"
#include "warehouse/warehouse.h"

namespace pulk {

class SnowflakeFiles {
 public:
  // `connection` and `cancel` (which may be null) must outlive it.
  SnowflakeFiles(const SnowflakeConnection& connection, CancelToken* cancel);
  ~SnowflakeFiles();

  // Throws what is wrong with the user's stage. For a bucket it is asked for an upload that is ended at once, which
  // leaves nothing and shows whether keys, region, bucket and rights are as they must be.
  void check();
  // Its files are written to a bucket, past this machine's disk and the driver.
  bool in_bucket();

  std::unique_ptr<Stage> stage(const std::string& run, const QualifiedName& target, const std::string& spool,
                               const std::string& tag);
  // Of one table of one run; in a transaction of nobody's. Files that are meant to stay do.
  void remove_all(snowflake::Client& client, const std::string& run, const QualifiedName& target);
  // What there is of them in the bucket, for people; "" for nothing.
  std::string left_in_bucket(const std::string& run, const QualifiedName& target);

  std::vector<Warehouse::StageLook> looks();

 private:
  const snowflake::NamedStage* named();  // nullptr for pulk's own and for @~
  std::string place(const std::string& run, const QualifiedName& target);
  // These only for a bucket:
  std::string below_prefix(const std::string& rest);
  std::unique_ptr<Stage> bucket_stage(const std::string& run, const QualifiedName& target);

  const SnowflakeConnection& connection_;
  CancelToken* const cancel_;
  std::mutex mutex_;
  std::optional<snowflake::NamedStage> named_;
  std::shared_ptr<S3Client> bucket_;
};

}  // namespace pulk
