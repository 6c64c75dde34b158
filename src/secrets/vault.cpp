#include "secrets/vault.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "base/strings.h"
#include "http/http.h"

namespace pulk {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kAttempts = 5;
constexpr const char* kForm = "write vault:PATH#KEY or vault:PATH#KEY@VERSION";

// An answer as JSON; an object without anything when it is none.
json parsed(const std::string& body) {
  json document = json::parse(body, nullptr, false);
  return document.is_object() ? document : json::object();
}

json inside(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : json::object();
}

// What Vault says is wrong. It does not repeat what was sent.
std::string said_by(const HttpResponse& answer) {
  const json document = parsed(answer.body);
  std::vector<std::string> errors;
  if (const auto list = document.find("errors"); list != document.end() && list->is_array())
    for (const json& error : *list)
      if (error.is_string()) errors.push_back(error.get<std::string>());
  std::string text = "HTTP " + std::to_string(answer.status);
  if (!errors.empty()) text += ": " + join(errors, "; ");
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

bool sealed(const HttpResponse& answer) { return answer.status == 503 && contains(to_lower(answer.body), "sealed"); }

std::string without_slashes(std::string path) {
  while (path.starts_with('/')) path.erase(0, 1);
  while (path.ends_with('/')) path.pop_back();
  return path;
}

std::string content_of(const std::string& path, const char* variable, Problems& problems) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    problems.add(variable, "the file " + path + " cannot be read");
    return "";
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return std::string(trim(text));
}

}  // namespace

VaultReference parse_vault_reference(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    throw Error(ErrorKind::usage, "\"" + std::string(text) + "\" " + why, "", kForm);
  };
  std::string_view rest = text.substr(std::string_view("vault:").size());
  VaultReference reference;
  const auto hash = rest.find('#');
  if (hash == std::string_view::npos) wrong("names no key of the secret");
  reference.path = without_slashes(std::string(rest.substr(0, hash)));
  std::string_view key = rest.substr(hash + 1);
  if (const auto at = key.rfind('@'); at != std::string_view::npos) {
    const std::string_view number = key.substr(at + 1);
    const auto read = std::from_chars(number.data(), number.data() + number.size(), reference.version);
    if (read.ec != std::errc() || read.ptr != number.data() + number.size() || reference.version < 1)
      wrong("has no number behind the @");
    key = key.substr(0, at);
  }
  reference.key = key;
  if (reference.path.empty()) wrong("names no path");
  if (reference.key.empty()) wrong("names no key of the secret");
  return reference;
}

VaultSettings vault_settings() {
  VaultSettings settings;
  Problems problems;
  settings.address = environment("VAULT_ADDR");
  while (settings.address.ends_with('/')) settings.address.pop_back();
  if (settings.address.empty())
    problems.add("VAULT_ADDR", "is not set", "set it to the address of the Vault: https://vault.example.com:8200");
  else if (!settings.address.starts_with("https://") && !settings.address.starts_with("http://"))
    problems.add("VAULT_ADDR", "is no address: " + settings.address, "begin it with https://");
  settings.role_id = environment("VAULT_ROLE_ID");
  settings.secret_id = Secret(environment("VAULT_SECRET_ID"));
  if (const std::string path = environment("VAULT_SECRET_ID_FILE"); settings.secret_id.empty() && !path.empty())
    settings.secret_id = Secret(content_of(path, "VAULT_SECRET_ID_FILE", problems));
  settings.token = Secret(environment("VAULT_TOKEN"));
  if (settings.role_id.empty() && settings.token.empty())
    problems.add("VAULT_ROLE_ID", "is not set, and neither is VAULT_TOKEN",
                 "set VAULT_ROLE_ID and VAULT_SECRET_ID (or VAULT_SECRET_ID_FILE)");
  if (!settings.role_id.empty() && settings.secret_id.empty() && environment("VAULT_SECRET_ID_FILE").empty())
    problems.add("VAULT_SECRET_ID", "is not set", "set it, or VAULT_SECRET_ID_FILE to a file that has it");
  const auto named = [](const char* variable, std::string& value) {
    if (const std::string given = without_slashes(environment(variable)); !given.empty()) value = given;
  };
  named("VAULT_APPROLE_MOUNT", settings.login_mount);
  named("VAULT_KV_MOUNT", settings.mount);
  settings.name_space = environment("VAULT_NAMESPACE");
  settings.ca_file = environment("VAULT_CACERT");
  if (!settings.ca_file.empty() && !std::ifstream(settings.ca_file))
    problems.add("VAULT_CACERT", "the file " + settings.ca_file + " cannot be read");
  problems.throw_if_any();
  return settings;
}

Vault::Vault(VaultSettings settings)
    : settings_(std::move(settings)),
      http_(std::make_unique<HttpConnection>(HttpOptions{.stall_seconds = 10, .ca_file = settings_.ca_file})) {}

Vault::~Vault() = default;

std::string Vault::read(const VaultReference& reference) {
  const std::lock_guard lock(mutex_);
  const Mount mount = mount_of(reference.path);
  const std::string where = "vault:" + reference.path;
  const json answer = parsed(document(mount, reference).reveal());
  json values = inside(answer, "data");
  if (mount.version == 2) values = inside(values, "data");
  const auto found = values.find(reference.key);
  if (found == values.end()) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : values.items()) keys.push_back(key);
    const auto near = did_you_mean(reference.key, keys);
    throw Error(ErrorKind::usage, where + " has no key " + reference.key, "",
                near           ? "did you mean " + *near + "?"
                : keys.empty() ? ""
                               : "it has: " + join(keys, ", "));
  }
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number() || found->is_boolean()) return found->dump();
  throw Error(ErrorKind::usage, where + "#" + reference.key + " is no text");
}

std::string Vault::about_server() {
  const std::lock_guard lock(mutex_);
  // Source: "/sys/seal-status": answers without a token, sealed or not.
  const HttpResponse answer = attempt({.doing = "reach the Vault", .path = "sys/seal-status", .with_token = false});
  const json about = parsed(answer.body);
  const std::string subject = "VAULT_ADDR " + settings_.address;
  if (about.value("sealed", false))
    throw Error(ErrorKind::retryable, "Vault is sealed", subject, "unseal it, then run again");
  if (answer.status != 200 || !about.contains("sealed"))
    throw Error(ErrorKind::usage, "what answers is no Vault: " + said_by(answer), subject,
                "check VAULT_ADDR: scheme, host and port, nothing behind them");
  const std::string version = about.value("version", "");
  return settings_.address + (version.empty() ? "" : ", Vault " + version) +
         (settings_.name_space.empty() ? "" : ", namespace " + settings_.name_space);
}

std::string Vault::about_login() {
  const std::lock_guard lock(mutex_);
  const HttpResponse answer = send({.doing = "look at the token", .path = "auth/token/lookup-self"});
  const std::string how = settings_.role_id.empty() ? "by a token" : "by AppRole, mounted at " + settings_.login_mount;
  if (answer.status != 200) {
    if (settings_.role_id.empty())
      throw Error(ErrorKind::refused, "the token is refused: " + said_by(answer), "VAULT_ADDR " + settings_.address,
                  "set VAULT_TOKEN to one that Vault knows, or VAULT_ROLE_ID and VAULT_SECRET_ID");
    return how;
  }
  const json data = inside(parsed(answer.body), "data");
  std::vector<std::string> policies;
  for (const json& policy : data.value("policies", json::array()))
    if (policy.is_string()) policies.push_back(policy.get<std::string>());
  const int seconds = data.value("ttl", 0);
  return how + (seconds > 0 ? ", for another " + std::to_string(seconds) + " s" : "") +
         (data.value("renewable", false) ? ", renewable" : "") +
         (policies.empty() ? "" : ", policies " + join(policies, ", "));
}

void Vault::forget() {
  const std::lock_guard lock(mutex_);
  documents_.clear();
  login_refused_.reset();
}

const Secret& Vault::document(const Mount& mount, const VaultReference& reference) {
  std::string rest = reference.path;
  if (rest == mount.path || rest.starts_with(mount.path + "/")) rest.erase(0, mount.path.size() + 1);
  if (mount.version == 2 && rest.starts_with("data/")) rest.erase(0, 5);
  std::string path = mount.path + "/" + (mount.version == 2 ? "data/" : "") + rest;
  const std::string where = "vault:" + reference.path;
  if (reference.version > 0 && mount.version == 1)
    throw Error(ErrorKind::usage, where + " names a version, and the mount " + mount.path + " keeps none", "",
                "leave @VERSION out");
  const std::string address =
      percent_encoded(path, true) + (reference.version > 0 ? "?version=" + std::to_string(reference.version) : "");
  if (const auto kept = documents_.find(address); kept != documents_.end()) return kept->second;
  const HttpResponse answer = send({.doing = "read " + where, .path = address});
  if (answer.status == 404) {
    const json about = inside(inside(parsed(answer.body), "data"), "metadata");
    if (!about.empty())
      throw Error(ErrorKind::usage,
                  where + ": version " + about.value("version", json(0)).dump() +
                      (about.value("destroyed", false) ? " is destroyed" : " is deleted"),
                  "", "name another version, or write the secret anew");
    throw Error(ErrorKind::usage,
                where + ": there is no such secret" +
                    (reference.version > 0 ? " or no version " + std::to_string(reference.version) : "") +
                    " in the mount " + mount.path,
                "", "vault kv get " + mount.path + "/" + rest);
  }
  if (answer.status != 200) throw refused(answer, "read " + where, path);
  return documents_.emplace(address, Secret(answer.body)).first->second;
}

Vault::Mount Vault::mount_of(const std::string& path) {
  if (const auto known = mounts_.find(path); known != mounts_.end()) return known->second;
  std::optional<Mount> mount = ask_mount(path);
  if (!mount) mount = ask_mount(settings_.mount + "/" + path);
  // Older servers, and policies that forbid the question: what the document of the mission and the command's own
  // default mean by it.
  if (!mount) mount = Mount{settings_.mount, 2};
  return mounts_.emplace(path, *mount).first->second;
}

std::optional<Vault::Mount> Vault::ask_mount(const std::string& path) {
  const HttpResponse answer =
      send({.doing = "look up the mount of " + path, .path = "sys/internal/ui/mounts/" + percent_encoded(path, true)});
  if (answer.status != 200) return std::nullopt;
  const json data = inside(parsed(answer.body), "data");
  const std::string type = data.value("type", "");
  if (type != "kv" && type != "generic") return std::nullopt;
  return Mount{without_slashes(data.value("path", "")), inside(data, "options").value("version", "1") == "2" ? 2 : 1};
}

HttpResponse Vault::send(const Call& call) {
  if (call.with_token) {
    if (token_.empty())
      log_in();
    else
      renew_in_time();
  }
  HttpResponse answer = attempt(call);
  // A token that is not known any more is refused like one that may not: a new one tells.
  if (answer.status == 403 && call.with_token && !settings_.role_id.empty()) {
    const HttpResponse known = attempt({.doing = "look at the token", .path = "auth/token/lookup-self"});
    if (known.status == 403) {
      log_in();
      answer = attempt(call);
    }
  }
  return answer;
}

HttpResponse Vault::attempt(const Call& call) {
  HttpRequest request{.method = call.method, .url = settings_.address + "/v1/" + call.path, .body = call.body};
  request.headers = {"X-Vault-Request: true"};
  if (!call.body.empty()) request.headers.push_back("Content-Type: application/json");
  if (!settings_.name_space.empty()) request.headers.push_back("X-Vault-Namespace: " + settings_.name_space);
  if (call.with_token) request.headers.push_back("X-Vault-Token: " + token_.reveal());
  for (int tries = 1;; ++tries) {
    std::optional<Error> away;
    HttpResponse answer;
    try {
      answer = http_->send(request);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::retryable) throw error.with_subject("VAULT_ADDR " + settings_.address);
      away = error;
    }
    const bool pass = !away && answer.status != 429 && answer.status < 500;
    if (pass) return answer;
    if (tries == kAttempts || (!away && sealed(answer))) {
      if (away)
        throw Error(ErrorKind::retryable, "cannot " + call.doing + ": " + away->message(),
                    "VAULT_ADDR " + settings_.address, "check the address and that the Vault runs, then run again");
      throw Error(ErrorKind::retryable, "cannot " + call.doing + ": " + said_by(answer),
                  "VAULT_ADDR " + settings_.address,
                  sealed(answer) ? "unseal it, then run again" : "wait, then run again");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100 << tries));
  }
}

void Vault::log_in() {
  if (settings_.role_id.empty()) {
    token_ = settings_.token;
    take_token(attempt({.doing = "look at the token", .path = "auth/token/lookup-self"}));
    return;
  }
  if (login_refused_) throw *login_refused_;
  const Secret body(json{{"role_id", settings_.role_id}, {"secret_id", settings_.secret_id.reveal()}}.dump());
  const HttpResponse answer = attempt({.doing = "log in by AppRole",
                                       .method = "POST",
                                       .path = "auth/" + settings_.login_mount + "/login",
                                       .body = body.reveal(),
                                       .with_token = false});
  if (answer.status != 200) {
    login_refused_.emplace(
        ErrorKind::refused, "the login by AppRole is refused: " + said_by(answer), "VAULT_ADDR " + settings_.address,
        "check VAULT_ROLE_ID and VAULT_SECRET_ID: has the secret id expired, or been used as often as it may?");
    throw *login_refused_;
  }
  take_token(answer);
}

void Vault::take_token(const HttpResponse& answer) {
  const json document = parsed(answer.body);
  const json auth = inside(document, "auth");
  // A token that was given may lack the right to look at itself: then it is used as it is.
  const json about = auth.empty() ? inside(document, "data") : auth;
  if (auth.contains("client_token")) token_ = Secret(auth.value("client_token", ""));
  renewable_ = about.value("renewable", false);
  const int seconds = about.value(auth.empty() ? "ttl" : "lease_duration", 0);
  renew_at_ = seconds > 0 ? Clock::now() + std::chrono::milliseconds(seconds * 667LL) : Clock::time_point::max();
}

void Vault::renew_in_time() {
  if (Clock::now() < renew_at_) return;
  if (renewable_) {
    const HttpResponse answer =
        attempt({.doing = "renew the token", .method = "POST", .path = "auth/token/renew-self", .body = "{}"});
    if (answer.status == 200) {
      take_token(answer);
      // Near the end of all its renewals a token gets less and less.
      if (Clock::now() < renew_at_) return;
    }
  }
  if (!settings_.role_id.empty()) log_in();
}

Error Vault::refused(const HttpResponse& answer, const std::string& doing, const std::string& path) const {
  if (answer.status == 403)
    return {ErrorKind::refused, "cannot " + doing + ": " + said_by(answer), "VAULT_ADDR " + settings_.address,
            "the policy needs: path \"" + path + "\" { capabilities = [\"read\"] }"};
  return {ErrorKind::refused, "cannot " + doing + ": " + said_by(answer), "VAULT_ADDR " + settings_.address};
}

}  // namespace pulk
