#include "stage/snowflake/snowflake_stage.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "adbc/snowflake/client.h"
#include "adbc/snowflake/error.h"
#include "base/error.h"
#include "stage/local/local_stage.h"

namespace pulk {
namespace {

using snowflake::Client;

// A stage that encrypts at the client stores whole blocks of AES: up to 16 bytes more than the file has.
constexpr std::int64_t kMostPadding = 16;

class SnowflakeStage : public Stage {
 public:
  SnowflakeStage(const SnowflakeConnection& connection, std::string place, std::string local_folder, std::string tag,
                 bool keep, CancelToken* cancel)
      : connection_(connection),
        place_(std::move(place)),
        local_(make_local_stage(std::move(local_folder))),
        tag_(std::move(tag)),
        keep_(keep),
        cancel_(cancel) {}

  std::unique_ptr<OutputFile> create(const std::string& name) override;

  void remove(const std::string& name) override {
    local_->remove(name);
    if (!keep_)
      with_client([&](Client& client) { client.query("REMOVE " + snowflake::stage_reference(place_ + name)); });
  }

  // REMOVE takes every file whose name begins with the path: one statement for all files of an attempt.
  void remove_all(const std::vector<std::string>& names) override {
    std::set<std::string> beginnings;
    for (const std::string& name : names) {
      local_->remove(name);
      const std::size_t dash = name.rfind('-');
      beginnings.insert(dash == std::string::npos ? name : name.substr(0, dash + 1));
    }
    if (keep_ || beginnings.empty()) return;
    with_client([&](Client& client) {
      for (const std::string& beginning : beginnings)
        client.query("REMOVE " + snowflake::stage_reference(place_ + beginning));
    });
  }

  std::vector<std::string> list() override {
    std::vector<std::string> names = local_->list();
    if (!keep_)
      for (const auto& [name, bytes] : on_stage("")) names.push_back(name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }

  std::string location() const override { return place_; }

  void forget(const std::string& name) { local_->remove(name); }  // the copy on this machine

  void upload(const StagedFile& file) {
    const std::string path = local_->location() + "/" + file.name;
    with_client([&](Client& client) {
      client.execute("PUT " + snowflake::literal("file://" + path) + " " + snowflake::stage_reference(place_) +
                     " PARALLEL = " + std::to_string(connection_.upload_parallel) +
                     " AUTO_COMPRESS = FALSE OVERWRITE = TRUE");
    });
    // The driver answers a PUT with no rows, whatever became of the file.
    const auto found = on_stage(file.name);
    const auto here = std::find_if(found.begin(), found.end(), [&](const auto& f) { return f.first == file.name; });
    if (here == found.end())
      throw Error(ErrorKind::retryable, "the file was put onto the stage and is not there", place_ + file.name);
    if (here->second < file.bytes || here->second > file.bytes + kMostPadding)
      throw Error(ErrorKind::retryable,
                  "the file has " + std::to_string(here->second) + " bytes on the stage where " +
                      std::to_string(file.bytes) + " were put",
                  place_ + file.name);
    local_->remove(file.name);
  }

 private:
  std::vector<std::pair<std::string, std::int64_t>> on_stage(const std::string& prefix) {
    std::vector<std::pair<std::string, std::int64_t>> files;
    try {
      with_client([&](Client& client) {
        for (const auto& row : client.named_rows("LIST " + snowflake::stage_reference(place_ + prefix))) {
          const std::string& name = row.at("name");
          files.emplace_back(name.substr(name.rfind('/') + 1), std::stoll(row.at("size")));
        }
      });
    } catch (const Error& error) {
      if (!snowflake::is_missing(error)) throw;
    }
    return files;
  }

  // A session that failed is thrown away.
  template <typename Work>
  void with_client(const Work& work) {
    std::unique_ptr<Client> client;
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        client = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (client == nullptr || client->is_old()) client = std::make_unique<Client>(connection_, tag_, cancel_);
    try {
      work(*client);
    } catch (const Error& error) {
      throw error.subject().empty() ? error.with_subject(place_) : error;
    }
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(client));
  }

  const SnowflakeConnection connection_;
  const std::string place_;
  const std::unique_ptr<Stage> local_;
  const std::string tag_;
  const bool keep_;
  CancelToken* const cancel_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Client>> idle_;
};

class UploadedFile : public OutputFile {
 public:
  UploadedFile(SnowflakeStage& stage, std::unique_ptr<OutputFile> local) : stage_(stage), local_(std::move(local)) {}
  std::shared_ptr<arrow::io::OutputStream> stream() override { return local_->stream(); }
  StagedFile seal() override { return file_ = local_->seal(); }
  void publish() override {
    local_->publish();
    try {
      stage_.upload(file_);
    } catch (...) {
      // The next attempt has a name of its own; when the service is away, nobody comes to look for this one.
      stage_.forget(file_.name);
      throw;
    }
  }

 private:
  SnowflakeStage& stage_;
  std::unique_ptr<OutputFile> local_;
  StagedFile file_;
};

std::unique_ptr<OutputFile> SnowflakeStage::create(const std::string& name) {
  return std::make_unique<UploadedFile>(*this, local_->create(name));
}

}  // namespace

std::unique_ptr<Stage> make_snowflake_stage(const SnowflakeConnection& connection, std::string place,
                                            std::string local_folder, std::string tag, bool keep, CancelToken* cancel) {
  return std::make_unique<SnowflakeStage>(connection, std::move(place), std::move(local_folder), std::move(tag), keep,
                                          cancel);
}

}  // namespace pulk
