#include "stage/s3/s3_settings.h"

#include "base/environment.h"

namespace pulk {

namespace {

std::string first_set(const char* one, const char* other) {
  const std::string value = environment(one);
  return value.empty() ? environment(other) : value;
}

bool made_of(const std::string& text, const char* letters) {
  return !text.empty() && text.find_first_not_of(letters) == text.npos;
}

constexpr const char* kLabel = "abcdefghijklmnopqrstuvwxyz0123456789-";
constexpr const char* kBucket = "abcdefghijklmnopqrstuvwxyz0123456789-.";
constexpr std::size_t kLongestKey = 1024;
constexpr std::size_t kLongestName = 200;  // of a staged file

}  // namespace

S3Settings s3_settings_from_environment() {
  S3Settings settings;
  settings.endpoint = first_set("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  if (const std::string region = first_set("AWS_REGION", "AWS_DEFAULT_REGION"); !region.empty())
    settings.region = region;
  settings.ca_file = environment("AWS_CA_BUNDLE");
  return settings;
}

S3Address s3_address(const S3Settings& settings, const std::string& bucket) {
  if (!settings.endpoint.empty()) {
    std::string base = settings.endpoint;
    while (base.ends_with('/')) base.pop_back();
    return {base, base.substr(base.find("://") + 3), "/" + bucket + "/"};
  }
  const std::string domain = settings.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  const std::string service = "s3." + settings.region + domain;
  if (bucket.find('.') != bucket.npos) return {"https://" + service, service, "/" + bucket + "/"};
  return {"https://" + bucket + "." + service, bucket + "." + service, "/"};
}

void check_s3(const S3Settings& settings, const std::string& bucket, const std::string& prefix, Problems& problems) {
  if (bucket.size() < 3 || bucket.size() > 63 || !made_of(bucket, kBucket))
    problems.add("bucket", "\"" + bucket + "\" is not a bucket's name",
                 bucket.starts_with("s3://") ? "write the name alone, without s3:// and without a path"
                                             : "3 to 63 lower-case letters, digits, hyphens and dots");
  if (!made_of(settings.region, kLabel))
    problems.add("region", "\"" + settings.region + "\" is not a region", "for example eu-central-1");
  if (!settings.endpoint.empty()) {
    const auto host = settings.endpoint.find("://");
    const bool known = settings.endpoint.starts_with("http://") || settings.endpoint.starts_with("https://");
    const std::string rest = host == std::string::npos ? "" : settings.endpoint.substr(host + 3);
    const bool bare = !rest.empty() && rest.find_first_of("/?#@ ") >= rest.find_last_not_of('/') + 1;
    // The address is not repeated: it may hold a password.
    if (!known || !bare)
      problems.add("endpoint", "is not the address of a service",
                   "write https://host or http://host:port, nothing after it");
  }
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
