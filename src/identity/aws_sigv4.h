// Signature version 4 of a request to AWS. Source: "Create a signed AWS API request", IAM User Guide, with S3's rules:
// the path is encoded once, and the hash of the body is a header of its own. Pure functions.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "identity/aws_credentials.h"

namespace pulk {

struct AwsRequest {
  std::string method;
  std::string host;                            // with the port where it is not the scheme's own
  std::string path;                            // encoded, begins with '/'
  std::map<std::string, std::string> query;    // not encoded
  std::map<std::string, std::string> headers;  // names in lower case; all of them are signed
  std::string payload_sha256;                  // of the body, hex
};

std::string sha256_hex(std::string_view bytes);

// "a=1&b=" in the order that is signed; "" for none.
std::string canonical_query(const std::map<std::string, std::string>& query);

// The headers to send, those of the request included.
std::vector<std::string> signed_headers(const AwsRequest& request, const AwsCredentials& credentials,
                                        const std::string& region, const std::string& service,
                                        std::chrono::system_clock::time_point now);

}  // namespace pulk
