#include <arrow/type.h>

#include <charconv>
#include <map>
#include <utility>

#include "adbc/snowflake/client.h"
#include "base/error.h"
#include "base/strings.h"
#include "exporter/snowflake_query.h"
#include "exporter/snowflake_session.h"
#include "exporter/unload_statement.h"
#include "exporter/unloader.h"
#include "warehouse/snowflake/named_stage.h"

namespace pulk {
namespace {

using snowflake::Client;

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size())
    throw Error(ErrorKind::internal, "COPY INTO a stage answered \"" + text + "\" where a number was expected");
  return value;
}

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

class SnowflakeUnloader : public Unloader {
 public:
  SnowflakeUnloader(const SnowflakeConnection& connection, const std::string& stage, Destination& destination,
                    CancelToken* cancel)
      : connection_(connection), destination_(destination), cancel_(cancel) {
    SnowflakeConnection with_stage = connection;
    with_stage.stage = stage;
    Client client(connection, R"({"application":"pulk"})", cancel);
    const snowflake::NamedStage found = look_up_stage(client, with_stage);
    if (!found.on_s3)
      throw Error(ErrorKind::usage, "is an internal stage: files would not come to " + destination.url_of(""),
                  "stage: " + stage, "name an external stage over the bucket");
    const std::string over = "s3://" + found.bucket + "/" + found.prefix + (found.prefix.empty() ? "" : "/");
    const std::string url = destination.url_of("");
    if (!url.starts_with(over))
      throw Error(ErrorKind::usage, "lies over " + over + ", and the exports go to " + url, "stage: " + stage,
                  "name a stage over that place, or change `destination`");
    // The stage may be named with a prefix of its own, which `over` has in it.
    place_ = found.place + url.substr(over.size());
  }

  Plan plan(const ExportEntry& entry) override {
    const auto client = open_export_session(connection_, entry, cancel_);
    const std::string query = query_of(entry);
    std::shared_ptr<arrow::Schema> columns;
    send_as_written(*client, [&] { columns = client->describe(query); });
    return plan_unload(entry, *columns, query);
  }

  std::vector<StagedFile> unload(const ExportEntry& entry, const Plan& plan, const std::string& path) override {
    const auto client = open_export_session(connection_, entry, cancel_);
    // Else each file has the narrowest types that its own rows need.
    client->execute("ALTER SESSION SET ENABLE_UNLOAD_PHYSICAL_TYPE_OPTIMIZATION = FALSE");
    std::vector<std::map<std::string, std::string>> told;
    send_as_written(*client, [&] { told = client->named_rows(unload_statement(entry, plan.query, place_ + path)); });
    return compare(told, path);
  }

 private:
  // Each file that the warehouse says it wrote is there with its size.
  std::vector<StagedFile> compare(const std::vector<std::map<std::string, std::string>>& told,
                                  const std::string& path) {
    std::map<std::string, Destination::Found> there;
    for (const Destination::Found& found : destination_.list(path)) there.emplace(last_part(found.path), found);
    std::vector<StagedFile> files;
    for (const auto& row : told) {
      const std::string name = last_part(row.at("FILE_NAME"));
      const std::int64_t bytes = number(row.at("FILE_SIZE"));
      const auto found = there.find(name);
      if (found == there.end() || found->second.bytes != bytes)
        throw Error(ErrorKind::integrity,
                    found == there.end() ? "Snowflake says that it wrote " + name + ", and it is not there"
                                         : "Snowflake says that " + name + " has " + format_count(bytes) +
                                               " bytes, and it has " + format_count(found->second.bytes),
                    destination_.url_of(path));
      files.push_back({.name = found->second.path, .rows = number(row.at("ROW_COUNT")), .bytes = bytes, .digest = ""});
    }
    return files;
  }

  const SnowflakeConnection& connection_;
  Destination& destination_;
  CancelToken* const cancel_;
  std::string place_;  // of the destination's own root
};

}  // namespace

std::unique_ptr<Unloader> make_snowflake_unloader(const SnowflakeConnection& connection, const std::string& stage,
                                                  Destination& destination, CancelToken* cancel) {
  return std::make_unique<SnowflakeUnloader>(connection, stage, destination, cancel);
}

}  // namespace pulk
