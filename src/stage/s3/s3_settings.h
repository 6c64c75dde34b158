// How to reach a bucket. Values; checked as a whole before work starts.
#pragma once

#include <optional>
#include <string>

#include "base/cancel.h"
#include "base/error.h"
#include "config/s3_connection.h"
#include "identity/aws_credentials.h"

namespace pulk {

// Encryption with a key of the customer's own per request (SSE-C) is not offered: whoever loads the files would need
// the key with every read, and the warehouses that read external stages have no place for it.
enum class S3Encryption { bucket_default, s3, kms };

enum class S3Addressing { automatic, path, host };  // automatic: by path where an endpoint is named

struct S3Settings {
  std::string endpoint;  // "https://host[:port]" or "http://…"; "" is AWS's own of the region
  std::string region = "us-east-1";
  S3Addressing addressing = S3Addressing::automatic;
  std::optional<AwsCredentials> credentials;  // none: the profile, else AWS's own chain
  std::string profile;
  S3Encryption encryption = S3Encryption::bucket_default;
  std::string kms_key;  // with kms: id or ARN; "" takes the account's own key for S3
  std::string ca_file;  // PEM; "" takes the system's
  int attempts = 6;     // of one request; about 6 s of pauses between them
  int connect_seconds = 10;
  int stall_seconds = 30;               // no byte for so long ends an attempt
  const CancelToken* cancel = nullptr;  // must outlive the stage
  bool cleans_up_through_cancel = true;  // else cancel ends listing and removing too
};

// Where the objects of a bucket are: "https://bucket.s3.region.amazonaws.com", or by path: on a named endpoint, and for
// names with dots, which no wildcard certificate covers; unless one of both is asked for.
struct S3Address {
  std::string scheme_and_host;
  std::string host;
  std::string path;  // of the bucket: "/" or "/bucket/"
};
S3Address s3_address(const S3Settings& settings, const std::string& bucket);

// What somebody else knows of the bucket; "" where nothing is known.
struct S3Told {
  std::string endpoint, region;
};

// What the connections file says, else what is told, else the environment (AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL,
// AWS_REGION or AWS_DEFAULT_REGION, AWS_CA_BUNDLE), else the profile (endpoint_url, region, ca_bundle).
S3Settings s3_settings(const S3Connection& said, const S3Told& told = {});

// Adds what is wrong with what a person wrote.
void check_s3(const S3Settings& settings, const std::string& bucket, const std::string& prefix, Problems& problems);

}  // namespace pulk
