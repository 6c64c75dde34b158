#include "identity/aws_sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <array>
#include <ctime>

#include "base/error.h"
#include "base/strings.h"
#include "http/http.h"

namespace pulk {

namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Secret hmac(const Secret& key, std::string_view text) {
  Digest out{};
  unsigned int size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  if (::HMAC(::EVP_sha256(), key.reveal().data(), static_cast<int>(key.reveal().size()), data, text.size(), out.data(),
             &size) == nullptr)
    throw Error(ErrorKind::internal, "OpenSSL has no HMAC");
  return Secret(std::string_view(reinterpret_cast<const char*>(out.data()), out.size()));
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  Digest out{};
  if (::EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, ::EVP_sha256(), nullptr) != 1)
    throw Error(ErrorKind::internal, "OpenSSL has no SHA-256");
  return hex({reinterpret_cast<const char*>(out.data()), out.size()});
}

std::string canonical_query(const std::map<std::string, std::string>& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    if (!text.empty()) text += '&';
    text += percent_encoded(name) + "=" + percent_encoded(value);
  }
  return text;
}

std::vector<std::string> signed_headers(const AwsRequest& request, const AwsCredentials& credentials,
                                        const std::string& region, const std::string& service,
                                        std::chrono::system_clock::time_point now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char stamp[17];
  std::strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
  const std::string day(stamp, 8);

  auto headers = request.headers;
  headers["host"] = request.host;
  headers["x-amz-date"] = stamp;
  headers["x-amz-content-sha256"] = request.payload_sha256;
  if (!credentials.session_token.empty()) headers["x-amz-security-token"] = credentials.session_token.reveal();

  std::string canonical = request.method + "\n" + request.path + "\n" + canonical_query(request.query) + "\n";
  std::string names;
  for (const auto& [name, value] : headers) {
    canonical += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  canonical += "\n" + names + "\n" + request.payload_sha256;

  const std::string scope = day + "/" + region + "/" + service + "/aws4_request";
  const std::string to_sign = std::string("AWS4-HMAC-SHA256\n") + stamp + "\n" + scope + "\n" + sha256_hex(canonical);
  Secret key("AWS4" + credentials.secret_access_key.reveal());
  for (const std::string& part : {day, region, service, std::string("aws4_request")}) key = hmac(key, part);
  const Secret signature = hmac(key, to_sign);

  std::vector<std::string> lines;
  for (const auto& [name, value] : headers) lines.push_back(name + ": " + value);
  lines.push_back("authorization: AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id.reveal() + "/" + scope +
                  ",SignedHeaders=" + names + ",Signature=" + hex(signature.reveal()));
  return lines;
}

}  // namespace pulk
