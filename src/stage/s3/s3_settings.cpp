#include "stage/s3/s3_settings.h"

#include <initializer_list>

#include "base/environment.h"
#include "identity/aws_profile.h"

namespace pulk {

namespace {

std::string first_of(std::initializer_list<std::string> values) {
  for (const std::string& value : values)
    if (!value.empty()) return value;
  return "";
}

bool made_of(const std::string& text, const char* letters) {
  return !text.empty() && text.find_first_not_of(letters) == text.npos;
}

constexpr const char* kBucket = "abcdefghijklmnopqrstuvwxyz0123456789-.";
constexpr std::size_t kLongestKey = 1024;
constexpr std::size_t kLongestName = 200;  // of a staged file

}  // namespace

S3Settings s3_settings(const S3Connection& said, const S3Told& told) {
  const auto profile = profile_keys(said.profile);
  const auto of_profile = [&](const char* key) {
    const auto found = profile.find(key);
    return found == profile.end() ? "" : found->second;
  };
  S3Settings settings;
  settings.profile = said.profile;
  settings.endpoint = first_of({said.endpoint_url, told.endpoint, environment("AWS_ENDPOINT_URL_S3"),
                                environment("AWS_ENDPOINT_URL"), of_profile("endpoint_url")});
  settings.region = first_of({said.region, told.region, environment("AWS_REGION"), environment("AWS_DEFAULT_REGION"),
                              of_profile("region"), settings.region});
  settings.ca_file = first_of({said.ca_bundle, environment("AWS_CA_BUNDLE"), of_profile("ca_bundle")});
  if (said.addressing_style != "auto")
    settings.addressing = said.addressing_style == "path" ? S3Addressing::path : S3Addressing::host;
  if (!said.access_key_id.empty())
    settings.credentials = AwsCredentials{.access_key_id = said.access_key_id,
                                          .secret_access_key = said.secret_access_key,
                                          .session_token = said.session_token,
                                          .expires = std::nullopt,
                                          .origin = "the connections file"};
  if (!said.sse.empty()) settings.encryption = said.sse == "aws:kms" ? S3Encryption::kms : S3Encryption::s3;
  settings.kms_key = said.sse_kms_key_id;
  return settings;
}

S3Address s3_address(const S3Settings& settings, const std::string& bucket) {
  const std::string domain = settings.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  std::string base = settings.endpoint.empty() ? "https://s3." + settings.region + domain : settings.endpoint;
  while (base.ends_with('/')) base.pop_back();
  const auto host_at = base.find("://") + 3;
  const std::string scheme = base.substr(0, host_at), host = base.substr(host_at);
  const bool by_path =
      settings.addressing == S3Addressing::path || (settings.addressing == S3Addressing::automatic &&
                                                    (!settings.endpoint.empty() || bucket.find('.') != bucket.npos));
  if (by_path) return {base, host, "/" + bucket + "/"};
  return {scheme + bucket + "." + host, bucket + "." + host, "/"};
}

void check_s3(const S3Settings& settings, const std::string& bucket, const std::string& prefix, Problems& problems) {
  if (bucket.size() < 3 || bucket.size() > 63 || !made_of(bucket, kBucket))
    problems.add("bucket", "\"" + bucket + "\" is not a bucket's name",
                 bucket.starts_with("s3://") ? "write the name alone, without s3:// and without a path"
                                             : "3 to 63 lower-case letters, digits, hyphens and dots");
  if (!is_aws_region(settings.region))
    problems.add("region", "\"" + settings.region + "\" is not a region", "for example eu-central-1");
  // The address is not repeated: it may hold a password.
  if (!settings.endpoint.empty() && !is_endpoint_url(settings.endpoint))
    problems.add("endpoint", "is not the address of a service",
                 "write https://host or http://host:port, nothing after it");
  if (settings.credentials &&
      (settings.credentials->access_key_id.empty() || settings.credentials->secret_access_key.empty()))
    problems.add("credentials", "access key and secret key must be given together");
  if (!settings.kms_key.empty() && settings.encryption != S3Encryption::kms)
    problems.add("kms key", "is given, but encryption is not by KMS", "choose KMS or leave the key out");
  if (settings.kms_key.find_first_of("\r\n") != std::string::npos) problems.add("kms key", "has a line break");
  if (prefix.size() + kLongestName > kLongestKey)
    problems.add("prefix", "is too long", "names of objects have at most 1,024 bytes");
  if (prefix.find("//") != prefix.npos || prefix.find_first_of(std::string_view("\0\r\n", 3)) != prefix.npos)
    problems.add("prefix", "\"" + prefix + "\" has an empty part or a control character");
}

}  // namespace pulk
