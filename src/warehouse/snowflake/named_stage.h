// A stage that a person names in the connections file, and what Snowflake tells of it. Source: "SHOW STAGES" and
// "CREATE STAGE" of Snowflake's SQL reference.
#pragma once

#include <string>

#include "adbc/snowflake/client.h"
#include "config/snowflake_connection.h"

namespace pulk::snowflake {

struct NamedStage {
  std::string place;  // as COPY and LIST read it, with a slash at its end: @"DB"."SCHEMA"."STAGE"/in/
  std::string shown;  // for people: DB.SCHEMA.STAGE
  bool on_s3 = false;
  // Only on S3: where the files of `place` are. The prefix begins and ends without a slash and may be empty.
  std::string bucket, prefix;
  std::string endpoint, region;  // "" where Snowflake says nothing
  bool has_key = false;          // of which kind is not told: with AWS_CSE, COPY reads only what clients encrypted
  std::string integration;       // the storage integration by which Snowflake reaches the bucket; "" for none
};

// Throws Error(usage) for a name that is none and for a stage that is not there, Error(refused) for one on another
// cloud.
NamedStage look_up_stage(Client& client, const SnowflakeConnection& connection);

// "@DB.SCHEMA.STAGE/in/x" taken apart; names that are left out are the connection's. Throws Error(usage).
struct StageName {
  std::string database, schema, name;
  std::string path;  // "" or "in/x/"
};
StageName parse_stage_name(const std::string& written, const SnowflakeConnection& connection);

}  // namespace pulk::snowflake
