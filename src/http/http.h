// HTTP by libcurl, for the services that pulk speaks to itself. Every wait has an end: connecting, and a connection
// over which nothing moves. Redirects are not followed: none of these services asks for that with a signed request.
// A proxy is taken from the environment as libcurl does (HTTPS_PROXY, NO_PROXY).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"

namespace pulk {

struct HttpOptions {
  int connect_seconds = 10;
  int stall_seconds = 30;               // ends a request over which no byte moves for so long
  std::string ca_file = {};                  // PEM; "" takes the system's
  bool proxy = true;                    // false for addresses of the own machine or network, such as instance metadata
  const CancelToken* cancel = nullptr;  // ends a running request; must live longer than the connection
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers = {};  // "Name: value"
  std::string_view body = {};             // must live until send() returns; it is not copied
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const;  // "" when it is not there
};

// Keeps its connection open from one request to the next. Belongs to one thread at a time.
class HttpConnection {
 public:
  explicit HttpConnection(HttpOptions options);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Any status is an answer. Throws Error(retryable) when there is none, Error(usage) for an address that is no
  // address and for a certificate that nobody here trusts.
  HttpResponse send(const HttpRequest& request);

 private:
  struct Curl;
  HttpOptions options_;
  std::unique_ptr<Curl> curl_;
};

// RFC 3986: all but letters, digits and -._~ as %XX; '/' stays when `keep_slash`.
std::string percent_encoded(std::string_view text, bool keep_slash = false);
std::string percent_decoded(std::string_view text);

}  // namespace pulk
