#include "identity/entra.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/environment.h"
#include "base/error.h"
#include "base/strings.h"
#include "http/http.h"
#include "identity/client_assertion.h"

namespace pulk {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kEarly{60};
constexpr int kAttempts = 5;
constexpr const char* kAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

json parsed(const std::string& body) {
  json document = json::parse(body, nullptr, false);
  return document.is_object() ? document : json::object();
}

// "AADSTS7000215: Invalid client secret provided." out of a text that goes on with ids and times.
std::string first_sentence(const std::string& text) {
  std::string_view line = std::string_view(text).substr(0, text.find_first_of("\r\n"));
  for (const char* tail : {" Trace ID:", " Correlation ID:"}) line = line.substr(0, line.find(tail));
  return std::string(trim(line));
}

// Source: "Microsoft Entra authentication and authorization error codes".
std::string hint_for(const std::string& said) {
  const auto is = [&](const char* code) { return contains(said, std::string("AADSTS") + code + ":"); };
  if (is("7000215")) return "write the secret's value, which Entra shows once, not its id";
  if (is("7000222")) return "the secret has expired: make a new one";
  if (is("700016")) return "check client id and tenant: is the application registered there?";
  if (is("90002") || is("900023")) return "check the tenant: its id, or its domain";
  if (is("70011") || is("1002012")) return "a scope for programs ends with /.default: api://…/.default";
  if (is("500011")) return "check the scope: no application of the tenant has this identifier";
  if (is("700027") || is("700021")) return "has the certificate been uploaded to the application?";
  if (is("70021") || is("700213")) return "does the federated credential name this issuer, subject and audience?";
  if (is("7000112")) return "the application is disabled";
  return "";
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::usage, "the federated token cannot be read", path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return std::string(trim(text));
}

// Sends until there is an answer that is not "later".
HttpResponse send(HttpConnection& http, const HttpRequest& request, const std::string& subject) {
  for (int tries = 1;; ++tries) {
    std::string away;
    HttpResponse answer;
    try {
      answer = http.send(request);
      if (answer.status != 429 && answer.status < 500) return answer;
      away = "HTTP " + std::to_string(answer.status);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::retryable) throw error.with_subject(subject);
      away = error.message();
    }
    if (tries == kAttempts)
      throw Error(ErrorKind::retryable, "no token: " + away, subject, "check address and proxy, then run again");
    const std::string wanted = answer.header("retry-after");
    const int seconds =
        !wanted.empty() && wanted.size() < 3 && wanted.find_first_not_of("0123456789") == std::string::npos
            ? std::min(std::stoi(wanted), 30)
            : 0;
    std::this_thread::sleep_for(seconds > 0 ? std::chrono::milliseconds(1000 * seconds)
                                            : std::chrono::milliseconds(100 << tries));
  }
}

}  // namespace

EntraTokens::EntraTokens(EntraIdentity identity)
    : identity_(std::move(identity)), client_secret_(identity_.client_secret) {}

Secret EntraTokens::token() {
  const std::lock_guard lock(mutex_);
  if (token_.empty() || Clock::now() >= renew_at_) token_ = ask();
  return token_;
}

void EntraTokens::forget() {
  const std::lock_guard lock(mutex_);
  token_ = Secret();
}

Secret EntraTokens::ask() {
  if (identity_.managed_identity) return ask_machine();
  return client_secret_.log_in([this](const Secret& client_secret) { return ask_entra(client_secret); });
}

Secret EntraTokens::ask_entra(const Secret& client_secret) {
  const std::string address = identity_.authority + "/" + percent_encoded(identity_.tenant) + "/oauth2/v2.0/token";
  std::string form = "grant_type=client_credentials&client_id=" + percent_encoded(identity_.client_id) +
                     "&scope=" + percent_encoded(identity_.scope);
  if (!client_secret.empty())
    form += "&client_secret=" + percent_encoded(client_secret.reveal());
  else
    form += "&client_assertion_type=" + percent_encoded(kAssertion) + "&client_assertion=" +
            percent_encoded(identity_.certificate_file.empty()
                                ? content_of(identity_.federated_token_file)
                                : client_assertion(identity_.certificate_file, identity_.client_id, address).reveal());
  const Secret body(form);
  HttpConnection http{HttpOptions{}};
  const std::string subject = "Entra ID, client " + identity_.client_id;
  const HttpResponse answer = send(http,
                                   {.method = "POST",
                                    .url = address,
                                    .headers = {"Content-Type: application/x-www-form-urlencoded"},
                                    .body = body.reveal()},
                                   subject);
  if (answer.status == 200) return taken(answer.body);
  const json document = parsed(answer.body);
  std::string said = first_sentence(document.value("error_description", ""));
  if (said.empty()) said = document.value("error", "");
  throw Error(ErrorKind::refused,
              "no token is given: " + (said.empty() ? "HTTP " + std::to_string(answer.status) : said), subject,
              hint_for(said));
}

// The machine's own identity: App Service and Functions name an address, other machines have a fixed one.
Secret EntraTokens::ask_machine() {
  std::string resource = identity_.scope;
  if (resource.ends_with("/.default")) resource.resize(resource.size() - std::string_view("/.default").size());
  const std::string service = environment("IDENTITY_ENDPOINT");
  std::string address = service;
  HttpRequest request;
  if (service.empty()) {
    const std::string host = environment("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    address = (host.empty() ? "http://169.254.169.254" : host) + "/metadata/identity/oauth2/token";
    request.headers = {"Metadata: true"};
  } else {
    request.headers = {"X-IDENTITY-HEADER: " + environment("IDENTITY_HEADER")};
  }
  request.url = address + (service.empty() ? "?api-version=2018-02-01" : "?api-version=2019-08-01") +
                "&resource=" + percent_encoded(resource);
  if (!identity_.client_id.empty()) request.url += "&client_id=" + percent_encoded(identity_.client_id);
  HttpConnection http({.connect_seconds = 2, .stall_seconds = 10, .proxy = false});
  const HttpResponse answer = send(http, request, "managed identity");
  if (answer.status == 200) return taken(answer.body);
  throw Error(ErrorKind::refused,
              "no token is given: " + first_sentence(parsed(answer.body).value("error_description", answer.body)),
              "managed identity", "has the machine an identity, and the client id if there are several?");
}

Secret EntraTokens::taken(const std::string& answer) {
  const json document = parsed(answer);
  const std::string token = document.value("access_token", "");
  if (token.empty()) throw Error(ErrorKind::refused, "the answer has no access_token", "Entra ID");
  const auto found = document.find("expires_in");
  // Managed identities write the number as text.
  const std::string life = found == document.end() ? ""
                           : found->is_string()    ? found->get<std::string>()
                                                   : found->dump();
  const int seconds = !life.empty() && life.size() < 8 && life.find_first_not_of("0123456789") == std::string::npos
                          ? std::stoi(life)
                          : 0;
  renew_at_ = Clock::now() + std::chrono::seconds(seconds) - kEarly;
  return Secret(token);
}

EntraTokens& entra_tokens(const EntraIdentity& identity) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<EntraTokens>> all;
  const std::lock_guard lock(mutex);
  const std::string key =
      join({identity.authority, identity.tenant, identity.client_id, identity.scope, identity.where}, "\n");
  auto& tokens = all[key];
  if (tokens == nullptr) tokens = std::make_unique<EntraTokens>(identity);
  return *tokens;
}

}  // namespace pulk
