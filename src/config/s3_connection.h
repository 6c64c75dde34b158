// How pulk itself reaches the bucket behind an external stage: the table `s3` of a Snowflake target. Keys have the
// names that AWS's own files and programs give them. Where the bucket is, Snowflake tells; what the table leaves out,
// the environment and AWS's files say (stage/s3/s3_settings). Plain values.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

namespace pulk {

class TomlTable;
struct TomlFile;

struct S3Connection {
  std::string where;                                     // of the table; "" when there is none
  std::string endpoint_url, region, profile, ca_bundle;  // "" where nothing is said
  std::string addressing_style = "auto";                 // or path, virtual
  Secret access_key_id, secret_access_key, session_token;
  std::string sse;  // "" for the bucket's own way, AES256, aws:kms
  std::string sse_kms_key_id;
};

// Everything that is wrong goes to the file's problems. Called by load_connections only.
S3Connection read_s3(TomlFile& file, TomlTable& table);

bool is_aws_region(std::string_view text);
// "https://host" or "http://host:port", nothing behind it: no path and no password.
bool is_endpoint_url(std::string_view text);

}  // namespace pulk
