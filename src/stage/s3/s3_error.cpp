#include "stage/s3/s3_error.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "http/xml_text.h"

namespace pulk {

namespace {

template <std::size_t N>
bool among(const std::string& code, const std::array<std::string_view, N>& codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

constexpr std::array<std::string_view, 9> kPassing{"SlowDown",        "InternalError",    "ServiceUnavailable",
                                                   "RequestTimeout",  "Throttling",       "ThrottlingException",
                                                   "TooManyRequests", "OperationAborted", "RequestLimitExceeded"};
constexpr std::array<std::string_view, 3> kExpired{"ExpiredToken", "ExpiredTokenException", "RequestExpired"};
constexpr std::array<std::string_view, 5> kWrongKeys{"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken",
                                                     "InvalidClientTokenId", "InvalidSecurity"};
constexpr std::array<std::string_view, 3> kDenied{"AccessDenied", "AllAccessDisabled", "AccountProblem"};
constexpr std::array<std::string_view, 3> kElsewhere{"PermanentRedirect", "TemporaryRedirect",
                                                     "IllegalLocationConstraintException"};

std::string region_of_bucket(const HttpResponse& answer) {
  const std::string told = answer.header("x-amz-bucket-region");
  return told.empty() ? xml_text(answer.body, "Region") : told;
}

}  // namespace

std::string s3_code(const HttpResponse& answer) {
  if (const std::string code = xml_text(answer.body, "Code"); !code.empty()) return code;
  switch (answer.status) {
    case 301:
      return "PermanentRedirect";
    case 307:
      return "TemporaryRedirect";
    case 403:
      return "AccessDenied";
    case 404:
      return "NotFound";
    default:
      return "HTTP " + std::to_string(answer.status);
  }
}

bool s3_passes(const HttpResponse& answer) {
  return answer.status >= 500 || answer.status == 429 || among(s3_code(answer), kPassing);
}

bool s3_expired(const HttpResponse& answer) { return among(s3_code(answer), kExpired); }

Error s3_error(const HttpResponse& answer, const std::string& doing, const std::string& subject,
               const std::string& region, const std::string& origin) {
  const std::string code = s3_code(answer);
  const std::string message = xml_text(answer.body, "Message");
  const std::string said = "cannot " + doing + ": " + code + (message.empty() ? "" : ", " + message);
  const auto make = [&](ErrorKind kind, const std::string& hint) { return Error(kind, said, subject, hint); };

  const std::string located = region_of_bucket(answer);
  if (among(code, kElsewhere) || (code == "AuthorizationHeaderMalformed" && !located.empty())) {
    const bool known = !located.empty() && located != region;
    return make(ErrorKind::usage,
                known ? "the bucket is in " + located + ", not in " + region + ": set the region to " + located
                      : "set the region to that of the bucket; it is " + region + " now");
  }
  if (code == "NoSuchBucket") return make(ErrorKind::usage, "check the name, or create the bucket: pulk makes none");
  if (among(code, kExpired))
    return make(ErrorKind::retryable, "the credentials (" + origin + ") have expired: get new ones and run again");
  if (among(code, kWrongKeys)) return make(ErrorKind::usage, "check the credentials; they come from: " + origin);
  if (code == "RequestTimeTooSkewed") return make(ErrorKind::usage, "set the clock of this machine");
  if (among(code, kDenied))
    return make(ErrorKind::refused,
                "allow s3:PutObject, s3:AbortMultipartUpload and s3:DeleteObject on the prefix, s3:ListBucket and "
                "s3:ListBucketMultipartUploads on the bucket, and the KMS key if there is one; credentials: " +
                    origin);
  if (s3_passes(answer)) return make(ErrorKind::retryable, "run again");
  if (code == "NoSuchUpload")
    return make(ErrorKind::retryable, "the upload was ended by another process or a rule of the bucket: run again");
  if (answer.status >= 400 && answer.status < 500)
    return make(ErrorKind::refused, "see what this code means in the S3 API reference");
  return make(ErrorKind::internal, "this is not an answer of S3: check the endpoint");
}

}  // namespace pulk
