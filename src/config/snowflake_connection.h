// How to log in to Snowflake: from pulk's connections file, from Snowflake's own files (~/.snowflake/connections.toml,
// config.toml) and from the environment (SNOWFLAKE_*), put together and checked before anything is opened.
//
// Precedence and the permission check are those of Snowflake's Python connector 4.8 (config_manager.py, sf_dirs.py) and
// of its documentation: the folder SNOWFLAKE_HOME, else ~/.snowflake when it exists, else ~/.config/snowflake; there
// connections.toml takes the place of the [connections] tables of config.toml. A file that group or others may write is
// refused, one that they may read is warned about.
//
// Pure values and functions; they read files and environment, so nobody may call setenv meanwhile.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "config/entra_identity.h"
#include "config/s3_connection.h"

namespace pulk {

// SnowflakeTarget::where when no file says anything.
inline constexpr std::string_view kTheEnvironment = "the environment";

// What pulk's own file says; the rest is looked up by resolve_snowflake when the target is used, because a file may
// also serve machines that have no such connection.
struct SnowflakeTarget {
  struct Value {
    Secret text;
    std::string where;  // "file:path.in.it" or the variable's name
  };
  std::string where;     // of the table in pulk's file, or kTheEnvironment
  bool by_name = false;  // the table snowflake_connection_name
  std::string connection_name;
  std::map<std::string, Value> keys;  // by Snowflake's name: account, user, password ...
  std::string stage;                  // "" for one of pulk's own, "@~", "@db.schema.stage" or "@db.schema.stage/prefix"
  std::string clean_up = "onSuccess";  // or never, always
  int upload_parallel = 4;
  int load_parallel = 4;  // sessions that load
  int lock_timeout = 60;  // seconds
  S3Connection s3;        // used when the stage is one on S3
};

enum class SnowflakeLogin { password, key_pair, oauth, access_token, workload_identity, browser };

struct SnowflakeConnection {
  std::string origin;  // for people: "connection dev of /home/x/.snowflake/connections.toml"
  std::string account, username, role, warehouse, database, schema;
  std::string database_where, schema_where;  // who said them: "file:path.in.it" or the variable's name
  std::string host, protocol;  // "" for the account's own address over https
  int port = 0;
  SnowflakeLogin login = SnowflakeLogin::password;
  Secret password;
  Secret private_key;  // PEM
  Secret private_key_passphrase;
  std::string private_key_file;  // where the key was read
  Secret token;
  EntraIdentity entra;            // oauth: asked for a token at each login
  std::string token_file;         // read again at each login, because tokens are renewed there
  std::string workload_provider;  // AWS, AZURE, GCP, OIDC
  int login_timeout = 60;         // seconds
  int request_timeout = 0;        // seconds; 0: the driver's own
  std::string stage;
  std::string clean_up;
  int upload_parallel = 4;
  int load_parallel = 4;
  int lock_timeout = 60;
  S3Connection s3;
  std::vector<std::string> warnings;  // about the permissions of files
};

// Keys of pulk's [connections.target.snowflake] that say how to log in, by the names that may be written; the value is
// Snowflake's name of it.
const std::map<std::string, std::string>& snowflake_keys();

// Throws Error(usage) with every problem of what was found.
SnowflakeConnection resolve_snowflake(const SnowflakeTarget& target);

}  // namespace pulk
