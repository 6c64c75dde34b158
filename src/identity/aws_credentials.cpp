#include "identity/aws_credentials.h"

#include <unistd.h>

#include <fstream>
#include <mutex>
#include <sstream>

#include "base/environment.h"
#include "base/error.h"
#include "base/strings.h"
#include "http/http.h"
#include "http/xml_text.h"
#include "identity/aws_profile.h"

namespace pulk {

namespace {

// Renewed when less is left: a request signed before the end must also arrive before it.
constexpr std::chrono::minutes kEarly{5};

std::string content_of_named_file(const char* name) {
  const std::string path = environment(name);
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(ErrorKind::usage, std::string("the file named by ") + name + " cannot be read", path);
  std::stringstream text;
  text << in.rdbuf();
  return std::string(trim(text.str()));
}

class Given : public AwsCredentialSource {
 public:
  explicit Given(AwsCredentials credentials) : credentials_(std::move(credentials)) {}
  AwsCredentials get() override { return credentials_; }
  bool renew() override { return false; }

 private:
  AwsCredentials credentials_;
};

class Chain : public AwsCredentialSource {
 public:
  explicit Chain(AwsChain chain) : chain_(std::move(chain)) {}

  AwsCredentials get() override {
    const std::lock_guard lock(mutex_);
    if (!held_ || (held_->expires && *held_->expires - std::chrono::system_clock::now() < kEarly)) held_ = find();
    return *held_;
  }
  bool renew() override {
    const std::lock_guard lock(mutex_);
    const std::string old = held_ ? held_->session_token.reveal() : "";
    const bool timed = held_ && held_->expires.has_value();
    held_ = find();
    // Keys in a file have no date: somebody may have written new ones meanwhile.
    return timed || held_->session_token.reveal() != old;
  }

 private:
  AwsCredentials find() {
    if (!chain_.profile.empty()) {
      if (auto found = profile_credentials(chain_.profile)) return *found;
      throw Error(ErrorKind::usage, "the profile has no credentials", "AWS profile " + chain_.profile,
                  "give it aws_access_key_id and aws_secret_access_key, or credential_process");
    }
    if (auto found = from_environment()) return *found;
    if (!environment("AWS_WEB_IDENTITY_TOKEN_FILE").empty()) return from_web_identity();
    if (auto found = profile_credentials("")) return *found;
    if (auto found = from_container()) return *found;
    if (to_lower(environment("AWS_EC2_METADATA_DISABLED")) != "true") {
      if (auto found = from_instance()) return *found;
    }
    throw Error(ErrorKind::usage, "no AWS credentials are found", "",
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role");
  }

  static std::optional<AwsCredentials> from_environment() {
    const std::string id = environment("AWS_ACCESS_KEY_ID");
    const std::string secret = environment("AWS_SECRET_ACCESS_KEY");
    if (id.empty() && secret.empty()) return std::nullopt;
    if (id.empty() || secret.empty())
      throw Error(ErrorKind::usage, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together");
    return AwsCredentials{.access_key_id = Secret(id),
                          .secret_access_key = Secret(secret),
                          .session_token = Secret(environment("AWS_SESSION_TOKEN")),
                          .expires = std::nullopt,
                          .origin = "AWS_ACCESS_KEY_ID"};
  }

  AwsCredentials from_web_identity() const {
    const std::string role = environment("AWS_ROLE_ARN");
    if (role.empty()) throw Error(ErrorKind::usage, "AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not");
    const std::string session = environment("AWS_ROLE_SESSION_NAME");
    std::string endpoint = environment("AWS_ENDPOINT_URL_STS");
    if (endpoint.empty()) endpoint = "https://sts." + chain_.region + ".amazonaws.com";
    const Secret token(content_of_named_file("AWS_WEB_IDENTITY_TOKEN_FILE"));
    const Secret form("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + percent_encoded(role) +
                      "&RoleSessionName=" + percent_encoded(session.empty() ? "pulk" : session) +
                      "&WebIdentityToken=" + percent_encoded(token.reveal()));
    HttpConnection sts({.ca_file = chain_.ca_file, .cancel = chain_.cancel});
    const HttpResponse answer = sts.send({.method = "POST",
                                          .url = endpoint + "/",
                                          .headers = {"Content-Type: application/x-www-form-urlencoded"},
                                          .body = form.reveal()});
    if (answer.status != 200)
      throw Error(answer.status >= 500 ? ErrorKind::retryable : ErrorKind::usage,
                  "the role is not given: " + xml_text(answer.body, "Code") + " " + xml_text(answer.body, "Message"),
                  role, "check the role's trust policy and the token file");
    return {.access_key_id = Secret(xml_text(answer.body, "AccessKeyId")),
            .secret_access_key = Secret(xml_text(answer.body, "SecretAccessKey")),
            .session_token = Secret(xml_text(answer.body, "SessionToken")),
            .expires = utc_of(xml_text(answer.body, "Expiration")),
            .origin = "role " + role};
  }

  std::optional<AwsCredentials> from_container() const {
    const std::string relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const std::string full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (relative.empty() && full.empty()) return std::nullopt;
    HttpRequest request{.url = relative.empty() ? full : "http://169.254.170.2" + relative};
    std::string token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (!environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").empty())
      token = content_of_named_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (!token.empty()) request.headers.push_back("Authorization: " + token);
    HttpConnection container({.connect_seconds = 2, .stall_seconds = 5, .proxy = false, .cancel = chain_.cancel});
    const HttpResponse answer = container.send(request);
    if (answer.status != 200)
      throw Error(ErrorKind::retryable,
                  "the container's credentials are refused: HTTP " + std::to_string(answer.status));
    return credentials_of_json(answer.body, "container role");
  }

  // Instance metadata, version 2 only: a token first. A machine outside of AWS has nobody at this address.
  std::optional<AwsCredentials> from_instance() const {
    std::string endpoint = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (endpoint.empty()) endpoint = "http://169.254.169.254";
    while (endpoint.ends_with('/')) endpoint.pop_back();
    HttpConnection metadata({.connect_seconds = 1, .stall_seconds = 2, .proxy = false, .cancel = chain_.cancel});
    HttpResponse token;
    try {
      token = metadata.send({.method = "PUT",
                             .url = endpoint + "/latest/api/token",
                             .headers = {"X-aws-ec2-metadata-token-ttl-seconds: 21600"}});
    } catch (const Error&) {
      return std::nullopt;
    }
    if (token.status != 200) return std::nullopt;
    const std::string roles = endpoint + "/latest/meta-data/iam/security-credentials/";
    const std::vector<std::string> headers{"X-aws-ec2-metadata-token: " + token.body};
    const HttpResponse role = metadata.send({.url = roles, .headers = headers});
    if (role.status != 200 || trim(role.body).empty()) return std::nullopt;
    const std::string name(trim(split(role.body, '\n').front()));
    const HttpResponse answer = metadata.send({.url = roles + name, .headers = headers});
    if (answer.status != 200)
      throw Error(ErrorKind::retryable,
                  "instance metadata gives no credentials: HTTP " + std::to_string(answer.status));
    return credentials_of_json(answer.body, "instance role " + name);
  }

  AwsChain chain_;
  std::mutex mutex_;
  std::optional<AwsCredentials> held_;
};

}  // namespace

std::unique_ptr<AwsCredentialSource> given_aws_credentials(AwsCredentials credentials) {
  return std::make_unique<Given>(std::move(credentials));
}

std::unique_ptr<AwsCredentialSource> aws_credential_chain(AwsChain chain) {
  return std::make_unique<Chain>(std::move(chain));
}

}  // namespace pulk
