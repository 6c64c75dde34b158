#include "orchestrator/known_secrets.h"

#include <utility>

#include "base/environment.h"
#include "base/log_mask.h"
#include "base/strings.h"

namespace pulk {

void KnownSecrets::learn(const Secret& secret) {
  // Shorter ones are parts of plain words: to hide them would tell what they are.
  if (secret.reveal().size() >= 4) secrets_.push_back(secret);
}

void KnownSecrets::learn(const SnowflakeConnection& connection) {
  for (const Secret* secret :
       {&connection.password, &connection.private_key, &connection.private_key_passphrase, &connection.token,
        &connection.entra.client_secret})
    learn(*secret);
  learn(connection.s3);
}

void KnownSecrets::learn(const S3Connection& s3) {
  learn(s3.secret_access_key);
  learn(s3.session_token);
}

void KnownSecrets::learn(const ConnectionsFile& connections) {
  for (const auto& [name, target] : connections.targets)
    if (const auto* snowflake = std::get_if<SnowflakeTarget>(&target)) {
      for (const char* key : {"password", "private_key", "private_key_passphrase", "token", "azure_client_secret"})
        if (const auto found = snowflake->keys.find(key); found != snowflake->keys.end()) learn(found->second.text);
      learn(snowflake->s3);
    }
  for (const auto& [name, source] : connections.sources) {
    std::visit([&](const auto& connection) { learn(connection.password); }, source);
    const std::map<std::string, std::string>* options = nullptr;
    if (const auto* odbc = std::get_if<OdbcConnection>(&source)) options = &odbc->odbc_options;
    if (const auto* server = std::get_if<SqlServerConnection>(&source)) {
      options = &server->odbc_options;
      learn(server->entra.client_secret);
    }
    if (options == nullptr) continue;
    for (const auto& [keyword, value] : *options)
      for (const char* word : {"pwd", "password", "token", "secret", "key"})
        if (to_lower(keyword).find(word) != std::string::npos) learn(Secret(value));
  }
}

void KnownSecrets::learn_environment() {
  for (const char* name : {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "SNOWFLAKE_PASSWORD"})
    learn(Secret(environment(name)));
}

void KnownSecrets::hide_in_log() const {
  add_log_mask([known = *this](std::string text) { return known.without(std::move(text)); });
}

std::string KnownSecrets::without(std::string text) const {
  for (const Secret& secret : secrets_)
    for (std::size_t at = 0; (at = text.find(secret.reveal(), at)) != std::string::npos; at += 3)
      text.replace(at, secret.reveal().size(), "***");
  return text;
}

}  // namespace pulk
