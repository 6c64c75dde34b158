#include "identity/aws_profile.h"

#include <sys/wait.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/environment.h"
#include "base/error.h"
#include "base/strings.h"

namespace pulk {

namespace {

std::string file_of(const char* name, const std::string& usual) {
  std::string path = environment(name);
  return path.empty() ? environment("HOME") + "/.aws/" + usual : path;
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The command stands in the user's own file and is meant to be run by a shell, as AWS's programs do it.
std::string output_of(const std::string& command, const std::string& origin) {
  FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) throw Error(ErrorKind::retryable, "cannot start credential_process", origin);
  std::string out;
  char piece[4096];
  for (std::size_t n = 0; (n = std::fread(piece, 1, sizeof(piece), pipe)) > 0;) out.append(piece, n);
  const int status = ::pclose(pipe);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Error(ErrorKind::usage, "credential_process failed", origin, "run the command of the profile by hand");
  return out;
}

std::string real_name(const std::string& name) {
  if (!name.empty()) return name;
  const std::string named = environment("AWS_PROFILE");
  return named.empty() ? "default" : named;
}

}  // namespace

std::map<std::string, std::string> ini_section(std::string_view text, std::string_view section) {
  std::map<std::string, std::string> keys;
  bool inside = false;
  for (const std::string& line : split(text, '\n')) {
    const std::string_view content = trim(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    if (content.front() == '[') {
      inside = content.back() == ']' && trim(content.substr(1, content.size() - 2)) == section;
      continue;
    }
    const auto equals = content.find('=');
    const bool nested = line.front() == ' ' || line.front() == '\t';
    if (inside && !nested && equals != content.npos)
      keys[to_lower(trim(content.substr(0, equals)))] = trim(content.substr(equals + 1));
  }
  return keys;
}

std::optional<std::chrono::system_clock::time_point> utc_of(const std::string& text) {
  std::tm utc{};
  if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc) == nullptr) return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&utc));
}

AwsCredentials credentials_of_json(const std::string& text, const std::string& origin) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto field = [&](const char* name) {
    return json.is_object() && json.contains(name) && json[name].is_string() ? json[name].get<std::string>() : "";
  };
  AwsCredentials found{.access_key_id = Secret(field("AccessKeyId")),
                       .secret_access_key = Secret(field("SecretAccessKey")),
                       .session_token = Secret(field(json.contains("SessionToken") ? "SessionToken" : "Token")),
                       .expires = std::nullopt,
                       .origin = origin};
  if (found.access_key_id.empty() || found.secret_access_key.empty())
    throw Error(ErrorKind::usage, "gives no AccessKeyId and SecretAccessKey", origin,
                "run it by hand, or ask who set it up");
  found.expires = utc_of(field("Expiration"));
  return found;
}

std::map<std::string, std::string> profile_keys(const std::string& name) {
  const std::string real = real_name(name);
  auto keys =
      ini_section(content_of(file_of("AWS_CONFIG_FILE", "config")), real == "default" ? real : "profile " + real);
  // Keys of the credentials file win, as in AWS's own programs.
  for (auto& [key, value] : ini_section(content_of(file_of("AWS_SHARED_CREDENTIALS_FILE", "credentials")), real))
    keys[key] = value;
  return keys;
}

std::optional<AwsCredentials> profile_credentials(const std::string& named) {
  const std::string name = real_name(named);
  const std::string origin = "AWS profile " + name;
  auto keys = profile_keys(named);
  if (keys.empty() && (!named.empty() || !environment("AWS_PROFILE").empty()))
    throw Error(ErrorKind::usage, "there is no such profile", origin,
                std::string("check ") + (named.empty() ? "AWS_PROFILE" : "profile") + " and ~/.aws/config");
  if (keys.contains("aws_access_key_id") && keys.contains("aws_secret_access_key"))
    return AwsCredentials{.access_key_id = Secret(keys["aws_access_key_id"]),
                          .secret_access_key = Secret(keys["aws_secret_access_key"]),
                          .session_token = Secret(keys["aws_session_token"]),
                          .expires = std::nullopt,
                          .origin = origin};
  if (keys.contains("credential_process"))
    return credentials_of_json(output_of(keys["credential_process"], origin), origin);
  for (const char* kind : {"sso_session", "sso_start_url", "role_arn", "login_session"})
    if (keys.contains(kind))
      throw Error(ErrorKind::usage,
                  std::string("the profile gets its credentials by ") + kind + ", which pulk does not do", origin,
                  "add a profile with  credential_process = aws configure export-credentials --profile " + name +
                      "  and name that one");
  return std::nullopt;
}

}  // namespace pulk
