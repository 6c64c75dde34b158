#include "config/s3_connection.h"

#include <filesystem>

#include "base/environment.h"
#include "config/document.h"
#include "config/toml_table.h"

namespace pulk {
namespace {

void check_credentials(TomlTable& table, const S3Connection& s3) {
  const bool id = table.has("aws_access_key_id"), secret = table.has("aws_secret_access_key");
  if (id != secret)
    table.add_problem(id ? "aws_secret_access_key" : "aws_access_key_id", "is missing",
                      "write both, or neither: then the environment and AWS's files are looked through");
  if (!id && !secret && table.has("aws_session_token"))
    table.add_problem("aws_session_token", "belongs to aws_access_key_id and aws_secret_access_key");
  if (id && table.has("profile"))
    table.add_problem("profile", "says what aws_access_key_id says too", "keep one of them");
  for (const auto* value : {&s3.access_key_id, &s3.secret_access_key, &s3.session_token})
    if (value->reveal().find_first_of("\r\n ") != std::string::npos)
      table.add_problem(value == &s3.access_key_id       ? "aws_access_key_id"
                        : value == &s3.secret_access_key ? "aws_secret_access_key"
                                                         : "aws_session_token",
                        "has a space or a line break");
}

}  // namespace

bool is_aws_region(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == text.npos;
}

bool is_endpoint_url(std::string_view text) {
  const auto scheme = text.find("://");
  if (scheme == text.npos || (text.substr(0, scheme) != "http" && text.substr(0, scheme) != "https")) return false;
  const std::string_view rest = text.substr(scheme + 3);
  return !rest.empty() && rest.find_first_of("/?#@ ") >= rest.find_last_not_of('/') + 1;
}

S3Connection read_s3(TomlFile& file, TomlTable& table) {
  S3Connection s3;
  table.take("endpoint_url", s3.endpoint_url);
  table.take("region", s3.region);
  table.take("profile", s3.profile);
  table.take("ca_bundle", s3.ca_bundle);
  table.take_choice("addressing_style", s3.addressing_style, {"auto", "path", "virtual"});
  table.take("aws_access_key_id", s3.access_key_id);
  table.take("aws_secret_access_key", s3.secret_access_key);
  table.take("aws_session_token", s3.session_token);
  if (table.has("sse")) table.take_choice("sse", s3.sse, {"AES256", "aws:kms"});
  table.take("sse_kms_key_id", s3.sse_kms_key_id);
  Secret customer_key;
  table.take("sse_customer_key", customer_key);

  // The address is not repeated: it may hold a password.
  if (!s3.endpoint_url.empty() && !is_endpoint_url(s3.endpoint_url))
    table.add_problem("endpoint_url", "is not the address of a service",
                      "write https://host or http://host:port, nothing after it");
  if (!s3.region.empty() && !is_aws_region(s3.region))
    table.add_problem("region", "\"" + s3.region + "\" is not a region", "for example eu-central-1");
  if (s3.ca_bundle.starts_with("~/")) s3.ca_bundle.replace(0, 1, environment("HOME"));
  std::error_code why;
  if (!s3.ca_bundle.empty() && !std::filesystem::is_regular_file(s3.ca_bundle, why))
    table.add_problem("ca_bundle", s3.ca_bundle + " is no file", "name a PEM file with the certificates to trust");
  check_credentials(table, s3);
  if (!s3.sse_kms_key_id.empty() && s3.sse != "aws:kms")
    table.add_problem("sse_kms_key_id", "is given, but the encryption is not by KMS", "add sse = \"aws:kms\"");
  if (s3.sse_kms_key_id.find_first_of("\r\n") != std::string::npos)
    table.add_problem("sse_kms_key_id", "has a line break");
  if (table.has("sse_customer_key"))
    file.refused.add(where_of(file.path, table.path_of_key("sse_customer_key")),
                     "a stage of Snowflake has no place for a customer's key (SSE-C): COPY could not read the files",
                     "use the bucket's own encryption, or sse = \"aws:kms\"");
  return s3;
}

}  // namespace pulk
