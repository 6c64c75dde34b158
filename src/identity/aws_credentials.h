// Who pulk is towards AWS: keys that were given, or what AWS's own chain finds, renewed before they expire.
// Order and names of the chain: "Standardized credential providers", AWS SDKs and Tools Reference Guide.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/cancel.h"
#include "base/secret.h"

namespace pulk {

struct AwsCredentials {
  Secret access_key_id;
  Secret secret_access_key;
  Secret session_token;  // only temporary credentials have one
  std::optional<std::chrono::system_clock::time_point> expires;
  std::string origin;  // for people: "profile etl"
};

// Thread-safe.
class AwsCredentialSource {
 public:
  virtual ~AwsCredentialSource() = default;
  // Asks again when what it has expires soon. Throws Error(usage) when nothing gives credentials, Error(retryable)
  // when what should give them does not answer.
  virtual AwsCredentials get() = 0;
  // The service calls them expired: forget them. False when asking again would give the same.
  virtual bool renew() = 0;
};

std::unique_ptr<AwsCredentialSource> given_aws_credentials(AwsCredentials credentials);

struct AwsChain {
  std::string profile;  // this one alone, whatever the environment says; "" goes through the chain
  std::string region;   // for web identity
  std::string ca_file;  // PEM, "" for the system's
  const CancelToken* cancel = nullptr;
};

// Environment (AWS_ACCESS_KEY_ID …), web identity (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN), profile (AWS_PROFILE or
// "default": keys or credential_process; profiles with sso_* or role_arn are refused with the way round), container
// (AWS_CONTAINER_CREDENTIALS_*_URI), instance role (IMDSv2). The first that is set up decides.
std::unique_ptr<AwsCredentialSource> aws_credential_chain(AwsChain chain);

}  // namespace pulk
