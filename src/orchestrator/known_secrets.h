// The net below the rule that secrets stay out of messages (I4): for what servers and drivers may repeat.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "config/connections.h"
#include "config/snowflake_connection.h"

namespace pulk {

class KnownSecrets {
 public:
  void learn(const ConnectionsFile& connections);
  void learn(const SnowflakeConnection& connection);
  void learn_environment();                     // the variables with AWS's keys
  std::string without(std::string text) const;  // *** in the place of each
  void hide_in_log() const;

 private:
  void learn(const Secret& secret);
  void learn(const S3Connection& s3);

  std::vector<Secret> secrets_;
};

}  // namespace pulk
