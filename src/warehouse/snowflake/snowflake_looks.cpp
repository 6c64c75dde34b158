// What the doctor looks at where the files of runs wait: the user's stage, and the bucket behind it from both sides.
#include <arrow/io/interfaces.h>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "stage/s3/s3_file.h"
#include "stage/s3/s3_stage.h"
#include "warehouse/snowflake/snowflake_files.h"

namespace pulk {
namespace {

constexpr std::string_view kContent = "pulk doctor was here\n";

// A small object of the doctor's; gone at the latest when this is.
class Trial {
 public:
  Trial(std::shared_ptr<S3Client> bucket, std::string folder)
      : bucket_(std::move(bucket)), folder_(std::move(folder)) {}
  ~Trial() {
    try {
      if (written_) remove();
    } catch (const Error& error) {
      log_warning("a file of " + plural(static_cast<std::int64_t>(kContent.size()), "byte") +
                  " stays in the bucket: " + error.what());
    }
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  const std::string& name() const { return name_; }
  std::string url() const { return bucket_->url_of(folder_ + name_); }
  // As a run does it: a multipart upload, found by listing.
  void write() {
    const auto file = create_s3_file(bucket_, folder_ + name_, name_);
    written_ = true;
    if (!file->stream()->Write(kContent.data(), static_cast<std::int64_t>(kContent.size())).ok())
      throw Error(ErrorKind::internal, "the stream of an object failed", url());
    file->finish();
  }
  void remove() {
    bucket_->remove(folder_ + name_);
    written_ = false;
    if (bucket_->find(folder_ + name_))
      throw Error(ErrorKind::refused, "the file is still listed after it was removed", url(),
                  "allow s3:DeleteObject; look at the bucket's lock and replication");
  }

 private:
  const std::shared_ptr<S3Client> bucket_;
  const std::string folder_;
  const std::string name_ = "doctor-" + new_run_id();
  bool written_ = false;
};

using Found = Warehouse::StageLook::Found;

}  // namespace

std::vector<Warehouse::StageLook> SnowflakeFiles::looks() {
  if (connection_.stage.empty() || connection_.stage.starts_with("@~")) return {};
  std::vector<Warehouse::StageLook> looks;
  looks.push_back({"stage", [this] {
                     const snowflake::NamedStage& stage = *named();
                     if (!stage.on_s3) return Found{stage.shown + ": an internal stage", ""};
                     std::string detail =
                         stage.shown + ": " + bucket_->url_of(stage.prefix) + ", region " + bucket_->region();
                     if (!stage.integration.empty()) detail += ", storage integration " + stage.integration;
                     return Found{detail, ""};
                   }});
  try {
    if (!in_bucket()) return looks;
  } catch (const Error&) {
    return looks;  // the look at the stage tells
  }
  const auto trial = std::make_shared<Trial>(bucket_, below_prefix("pulk/"));
  looks.push_back({"bucket", [this, trial] {
                     trial->write();
                     return Found{trial->url() + ": written and listed; credentials: " + bucket_->credentials_origin(),
                                  ""};
                   }});
  looks.push_back({"bucket by the stage", [this, trial] {
                     snowflake::Client client(connection_, R"({"application":"pulk"})", cancel_);
                     const auto rows = client.named_rows("LIST " + named()->place + "pulk/" + trial->name());
                     const std::string size = rows.size() == 1 ? rows.front().at("size") : "";
                     if (size != std::to_string(kContent.size()))
                       throw Error(ErrorKind::refused,
                                   "Snowflake does not see the file that pulk has written to the bucket", trial->url(),
                                   "check the URL of the stage, and that its integration may use s3:ListBucket, "
                                   "s3:GetObject, s3:GetObjectVersion and s3:GetBucketLocation");
                     return Found{"Snowflake lists the file", ""};
                   }});
  looks.push_back({"bucket clean-up", [this, trial] {
                     trial->remove();
                     try {
                       bucket_->uploads(below_prefix("pulk/"));
                     } catch (const Error& error) {
                       if (error.kind() != ErrorKind::refused) throw;
                       return Found{
                           "the file is removed; unfinished uploads cannot be listed",
                           "allow s3:ListBucketMultipartUploads, or give the bucket a lifecycle rule that ends "
                           "unfinished uploads: those of a killed run are paid for"};
                     }
                     return Found{"the file is removed, unfinished uploads can be listed", ""};
                   }});
  return looks;
}

}  // namespace pulk
