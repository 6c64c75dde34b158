#include "warehouse/snowflake/named_stage.h"

#include <vector>

#include "adbc/snowflake/error.h"
#include "base/error.h"
#include "base/strings.h"
#include "config/s3_connection.h"
#include "warehouse/snowflake/snowflake_names.h"

namespace pulk::snowflake {
namespace {

using Row = std::map<std::string, std::string>;

constexpr const char* kWayRound = "name a stage on S3 or an internal one, or leave `stage` out for one of pulk's own";

std::string field(const Row& row, const std::string& name) {
  const auto found = row.find(name);
  return found == row.end() ? "" : found->second;
}

// `a."b.c".d/e/f` as its names and the rest behind the first slash.
std::vector<std::string> names_of(std::string_view text, std::string& path) {
  std::vector<std::string> names(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (!quoted && text[i] == '/') {
      path = text.substr(i + 1);
      break;
    }
    if (!quoted && text[i] == '.')
      names.emplace_back();
    else
      names.back() += text[i];
  }
  return names;
}

void take_s3_url(const std::string& url, const std::string& path, NamedStage& stage) {
  const std::string rest = url.substr(url.find("://") + 3);
  const auto slash = rest.find('/');
  stage.bucket = rest.substr(0, slash);
  std::string prefix = slash == std::string::npos ? "" : rest.substr(slash + 1);
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!path.empty()) prefix += (prefix.empty() ? "" : "/") + path;
  while (prefix.ends_with('/')) prefix.pop_back();
  stage.prefix = prefix;
}

[[noreturn]] void throw_missing(const StageName& name, const std::vector<std::string>& others) {
  const auto near = did_you_mean(name.name, others);
  throw Error(ErrorKind::usage, "there is no such stage, or the role may not use it",
              name.database + "." + name.schema + "." + name.name,
              near ? "did you mean " + *near + "?" : "create it, or GRANT USAGE ON STAGE … TO ROLE …");
}

}  // namespace

StageName parse_stage_name(const std::string& written, const SnowflakeConnection& connection) {
  StageName stage;
  std::vector<std::string> parts = names_of(std::string_view(written).substr(1), stage.path);
  const auto wrong = [&](const std::string& why) {
    throw Error(ErrorKind::usage, why, "stage = " + written,
                "write \"@DATABASE.SCHEMA.STAGE\", with or without a prefix");
  };
  if (parts.size() > 3) wrong("has more than three names");
  std::vector<std::string> folded;
  for (const std::string& part : parts) {
    if (part.empty()) wrong("has an empty name");
    folded.push_back(fold_name(parse_written_name(part)));
  }
  const auto or_default = [](const std::string& configured, const std::string& otherwise) {
    return configured.empty() ? otherwise : fold_name(parse_written_name(configured));
  };
  stage.name = folded.back();
  stage.schema = folded.size() > 1 ? folded[folded.size() - 2] : or_default(connection.schema, "PUBLIC");
  stage.database = folded.size() > 2 ? folded[0] : or_default(connection.database, "");
  if (stage.database.empty()) wrong("does not say which database, and neither does the connection");
  while (stage.path.starts_with('/')) stage.path.erase(0, 1);
  if (!stage.path.empty() && !stage.path.ends_with('/')) stage.path += '/';
  return stage;
}

NamedStage look_up_stage(Client& client, const SnowflakeConnection& connection) {
  const StageName name = parse_stage_name(connection.stage, connection);
  NamedStage stage;
  stage.shown = name.database + "." + name.schema + "." + name.name;
  stage.place = "@" + full_name(name.database, name.schema, name.name) + "/" + name.path;
  std::vector<Row> rows;
  try {
    rows = client.named_rows("SHOW STAGES IN SCHEMA " + quote_double(name.database) + "." + quote_double(name.schema));
  } catch (const Error& error) {
    if (!is_missing(error)) throw;
  }
  const Row* found = nullptr;
  std::vector<std::string> others;
  for (const Row& row : rows) {
    others.push_back(field(row, "name"));
    if (others.back() == name.name) found = &row;
  }
  if (found == nullptr) throw_missing(name, others);

  const std::string url = field(*found, "url");
  if (url.empty()) return stage;
  const std::string scheme = to_lower(url.substr(0, url.find("://")));
  if (!scheme.starts_with("s3"))
    throw Error(ErrorKind::refused,
                "the stage is at " + url + ": pulk writes to S3, and to Azure and Google Cloud only by internal stages",
                stage.shown, kWayRound);
  stage.on_s3 = true;
  take_s3_url(url, name.path, stage);
  if (const std::string region = to_lower(field(*found, "region")); is_aws_region(region)) stage.region = region;
  if (std::string endpoint = field(*found, "endpoint"); !endpoint.empty())
    stage.endpoint = endpoint.find("://") == std::string::npos ? "https://" + endpoint : endpoint;
  stage.has_key = field(*found, "has_encryption_key") == "Y";
  stage.integration = field(*found, "storage_integration");
  return stage;
}

}  // namespace pulk::snowflake
