#include "http/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <cctype>
#include <new>

#include "base/error.h"
#include "base/strings.h"

namespace pulk {

namespace {

// Answers are documents of a few pages; one that never ends must not fill the memory.
constexpr std::size_t kMostBodyBytes = 64 << 20;

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto& response = *static_cast<HttpResponse*>(to);
  if (response.body.size() + size * count > kMostBodyBytes) return 0;
  response.body.append(data, size * count);
  return size * count;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* to) {
  auto& response = *static_cast<HttpResponse*>(to);
  const std::string_view line(data, size * count);
  // Headers of "100 Continue" come before those of the answer.
  if (line.starts_with("HTTP/")) response.headers.clear();
  if (const auto colon = line.find(':'); colon != std::string_view::npos)
    response.headers[to_lower(line.substr(0, colon))] = trim(line.substr(colon + 1));
  return size * count;
}

int stop_when_cancelled(void* token, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const CancelToken*>(token)->cancelled() ? 1 : 0;
}

// Scheme and host of an address: the rest may hold what nobody needs to see.
std::string place_of(const std::string& url) {
  const auto scheme = url.find("://");
  const auto end = scheme == std::string::npos ? url.npos : url.find_first_of("/?", scheme + 3);
  return url.substr(0, end);
}

[[noreturn]] void throw_no_answer(CURLcode code, const char* said, const HttpRequest& request) {
  const std::string why = *said != '\0' ? said : curl_easy_strerror(code);
  const std::string place = place_of(request.url);
  switch (code) {
    case CURLE_URL_MALFORMAT:
      throw Error(ErrorKind::usage, "not an address: " + why, place, "write it as https://host or http://host:port");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      throw Error(ErrorKind::usage, "the certificate of the server is not trusted: " + why, place,
                  "check the address; for a certificate authority of your own name its PEM file (AWS_CA_BUNDLE)");
    case CURLE_ABORTED_BY_CALLBACK:
      throw Error(ErrorKind::retryable, "interrupted", place);
    case CURLE_WRITE_ERROR:
      throw Error(ErrorKind::retryable, "the answer is longer than " + format_bytes(kMostBodyBytes), place);
    default:
      throw Error(ErrorKind::retryable, "no answer: " + why, place, "check address, proxy and network, then run again");
  }
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList header_list(const std::vector<std::string>& headers) {
  HeaderList list;
  const auto add = [&](const char* line) {
    curl_slist* longer = curl_slist_append(list.get(), line);
    if (longer == nullptr) throw std::bad_alloc();
    (void)list.release();
    list.reset(longer);
  };
  // libcurl would add a media type of its own, which is not signed, and wait a second for leave to send a body.
  add("Expect:");
  add("Content-Type:");
  for (const std::string& line : headers) add(line.c_str());
  return list;
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

struct HttpConnection::Curl {
  CURL* handle = nullptr;
  std::array<char, CURL_ERROR_SIZE> said{};

  Curl() {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (ready == CURLE_OK) handle = curl_easy_init();
    if (handle == nullptr) throw Error(ErrorKind::internal, "libcurl does not start");
  }
  ~Curl() { curl_easy_cleanup(handle); }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;

  template <typename Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(handle, option, value);
    if (code != CURLE_OK) throw Error(ErrorKind::internal, std::string("libcurl: ") + curl_easy_strerror(code));
  }
};

HttpConnection::HttpConnection(HttpOptions options) : options_(std::move(options)), curl_(std::make_unique<Curl>()) {}

HttpConnection::~HttpConnection() = default;

HttpResponse HttpConnection::send(const HttpRequest& request) {
  HttpResponse response;
  const HeaderList headers = header_list(request.headers);
  curl_easy_reset(curl_->handle);  // keeps the connection
  curl_->said[0] = '\0';
  curl_->set(CURLOPT_ERRORBUFFER, curl_->said.data());
  curl_->set(CURLOPT_NOSIGNAL, 1L);
  curl_->set(CURLOPT_PROTOCOLS_STR, "http,https");
  curl_->set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  curl_->set(CURLOPT_PATH_AS_IS, 1L);
  curl_->set(CURLOPT_TCP_KEEPALIVE, 1L);
  curl_->set(CURLOPT_CONNECTTIMEOUT, long{options_.connect_seconds});
  curl_->set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_->set(CURLOPT_LOW_SPEED_TIME, long{options_.stall_seconds});
  if (!options_.ca_file.empty()) curl_->set(CURLOPT_CAINFO, options_.ca_file.c_str());
  if (!options_.proxy) curl_->set(CURLOPT_NOPROXY, "*");
  if (options_.cancel != nullptr) {
    curl_->set(CURLOPT_NOPROGRESS, 0L);
    curl_->set(CURLOPT_XFERINFOFUNCTION, &stop_when_cancelled);
    curl_->set(CURLOPT_XFERINFODATA, options_.cancel);
  }
  curl_->set(CURLOPT_URL, request.url.c_str());
  if (request.method == "HEAD") {
    curl_->set(CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT" || request.method == "POST") {
    curl_->set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_->set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    curl_->set(CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  }
  curl_->set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_->set(CURLOPT_HTTPHEADER, headers.get());
  curl_->set(CURLOPT_WRITEFUNCTION, &take_body);
  curl_->set(CURLOPT_WRITEDATA, &response);
  curl_->set(CURLOPT_HEADERFUNCTION, &take_header);
  curl_->set(CURLOPT_HEADERDATA, &response);

  const CURLcode code = curl_easy_perform(curl_->handle);
  if (code != CURLE_OK) throw_no_answer(code, curl_->said.data(), request);
  long status = 0;
  curl_easy_getinfo(curl_->handle, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  return response;
}

std::string percent_encoded(std::string_view text, bool keep_slash) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte < 128 && std::isalnum(byte) != 0) || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain || (keep_slash && c == '/'))
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() &&
                       std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
                       std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0;
    if (coded) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace pulk
