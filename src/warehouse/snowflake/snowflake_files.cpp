#include "warehouse/snowflake/snowflake_files.h"

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "stage/s3/s3_stage.h"
#include "stage/snowflake/snowflake_stage.h"
#include "warehouse/snowflake/snowflake_names.h"

namespace pulk {

SnowflakeFiles::SnowflakeFiles(const SnowflakeConnection& connection, CancelToken* cancel)
    : connection_(connection), cancel_(cancel) {}

SnowflakeFiles::~SnowflakeFiles() = default;

const snowflake::NamedStage* SnowflakeFiles::named() {
  if (connection_.stage.empty() || connection_.stage.starts_with("@~")) return nullptr;
  const std::lock_guard lock(mutex_);
  if (named_) return &*named_;
  snowflake::Client client(connection_, R"({"application":"pulk"})", cancel_);
  snowflake::NamedStage stage = look_up_stage(client, connection_);
  if (stage.on_s3) {
    S3Settings settings = s3_settings(connection_.s3, {stage.endpoint, stage.region});
    settings.cancel = cancel_;
    Problems problems;
    check_s3(settings, stage.bucket, stage.prefix, problems);
    problems.throw_if_any();
    bucket_ = std::make_shared<S3Client>(std::move(settings), stage.bucket);
    if (stage.has_key)
      log_warning("Snowflake says that the stage " + stage.shown +
                  " has a key: were it of the kind AWS_CSE, COPY could not read what pulk writes");
  } else if (!connection_.s3.where.empty()) {
    log_warning(connection_.s3.where + " has no effect: the stage " + stage.shown + " is not on S3");
  }
  named_ = std::move(stage);
  return &*named_;
}

bool SnowflakeFiles::in_bucket() {
  const snowflake::NamedStage* stage = named();
  return stage != nullptr && stage->on_s3;
}

std::string SnowflakeFiles::below_prefix(const std::string& rest) {
  const std::string& prefix = named()->prefix;
  return prefix + (prefix.empty() ? "" : "/") + rest;
}

void SnowflakeFiles::check() {
  if (!in_bucket()) return;
  const std::string folder = below_prefix("pulk/");
  bucket_->objects(folder);
  bucket_->abort_upload(bucket_->start_upload(folder + "check"));
}

std::string SnowflakeFiles::place(const std::string& run, const QualifiedName& target) {
  const snowflake::NamedStage* stage = named();
  return snowflake::stage_place(stage != nullptr ? stage->place : connection_.stage, run, target);
}

std::unique_ptr<Stage> SnowflakeFiles::bucket_stage(const std::string& run, const QualifiedName& target) {
  return make_s3_stage(bucket_, below_prefix(snowflake::run_folder(run, target)), connection_.clean_up == "never",
                       place(run, target));
}

std::unique_ptr<Stage> SnowflakeFiles::stage(const std::string& run, const QualifiedName& target,
                                             const std::string& spool, const std::string& tag) {
  if (in_bucket()) return bucket_stage(run, target);
  const std::string key = snowflake::target_of(target).key;
  return make_snowflake_stage(connection_, place(run, target), spool + "/" + run + "/" + xxh128_hex(key).substr(0, 16),
                              tag, connection_.clean_up == "never", cancel_);
}

void SnowflakeFiles::remove_all(snowflake::Client& client, const std::string& run, const QualifiedName& target) {
  if (in_bucket()) {
    const auto files = bucket_stage(run, target);
    for (const std::string& name : files->list()) files->remove(name);
  } else if (connection_.clean_up == "never") {
    return;
  } else if (connection_.stage.empty()) {
    client.execute("DROP STAGE IF EXISTS " +
                   snowflake::full_name(target.database, snowflake::kOwnSchema, snowflake::stage_name(run, target)));
  } else {
    client.query("REMOVE " + snowflake::stage_reference(place(run, target)));
  }
}

std::string SnowflakeFiles::left_in_bucket(const std::string& run, const QualifiedName& target) {
  if (!in_bucket()) return "";
  const std::size_t files = bucket_stage(run, target)->list().size();
  if (files == 0) return "";
  return plural(static_cast<std::int64_t>(files), "file") + ", whole or unfinished, in " +
         bucket_->url_of(below_prefix(snowflake::run_folder(run, target)));
}

}  // namespace pulk
