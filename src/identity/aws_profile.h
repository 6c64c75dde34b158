// Profiles of ~/.aws/config and ~/.aws/credentials.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "identity/aws_credentials.h"

namespace pulk {

// The keys of one section of an ini file as AWS writes them: "# comment", "key = value", indented lines belong to the
// key above and are left out. Empty when there is no such section.
std::map<std::string, std::string> ini_section(std::string_view text, std::string_view section);

// "2026-11-21T10:00:00Z"; nothing for anything else.
std::optional<std::chrono::system_clock::time_point> utc_of(const std::string& text);

// All keys of a profile, in lower case, those of the credentials file before those of the config file. `name` "" is
// AWS_PROFILE, else "default". Empty when there is no such profile.
std::map<std::string, std::string> profile_keys(const std::string& name);

// What the profile gives; nothing when there is no such profile. Throws Error(usage) for a profile that pulk cannot
// use, and for a profile that was named, here or in AWS_PROFILE, and is not there.
std::optional<AwsCredentials> profile_credentials(const std::string& name);

// The answer of a credential_process, a container or an instance: JSON with AccessKeyId, SecretAccessKey, Token or
// SessionToken, Expiration. Throws Error(usage) for anything else; no text of it is repeated.
AwsCredentials credentials_of_json(const std::string& text, const std::string& origin);

}  // namespace pulk
