// Secrets of a HashiCorp Vault: the KV engine in versions 1 and 2, logged in by AppRole or with a token. Sources:
// "AppRole auth method", "Token auth method", "KV secrets engine" of Vault's API documentation; names of variables are
// those of Vault's own command where it has one.
//
// A token is renewed when two thirds of its life are over, and when Vault does not know it any more (revoked, or the
// server was restored) pulk logs in again; with a token that was given there is no second login. What was read is kept:
// one request for all keys of a path.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace pulk {

class HttpConnection;
struct HttpResponse;

// "vault:PATH#KEY" or "vault:PATH#KEY@VERSION". PATH may be that of Vault's API ("secret/data/etl/mssql"), that of its
// command line ("secret/etl/mssql"), or one below the usual mount ("etl/mssql").
struct VaultReference {
  std::string path, key;
  int version = 0;  // 0: the newest
};
// `text` with "vault:" in front. Throws Error(usage) that says what is wrong with it.
VaultReference parse_vault_reference(std::string_view text);

struct VaultSettings {
  std::string address;                  // VAULT_ADDR
  std::string role_id;                  // VAULT_ROLE_ID
  Secret secret_id;                     // VAULT_SECRET_ID, or the content of the file VAULT_SECRET_ID_FILE
  Secret token;                         // VAULT_TOKEN; used when there is no role
  std::string login_mount = "approle";  // VAULT_APPROLE_MOUNT
  std::string mount = "secret";         // VAULT_KV_MOUNT: for paths that name none
  std::string name_space;               // VAULT_NAMESPACE
  std::string ca_file;                  // VAULT_CACERT
};
// From the environment. Throws Error(usage) with everything that is missing or wrong.
VaultSettings vault_settings();

// Thread-safe.
class Vault {
 public:
  explicit Vault(VaultSettings settings);
  ~Vault();

  // Throws Error(usage): no such path, version or key, no address; Error(refused): login or policy; Error(retryable):
  // sealed, away, throttled. Texts hold paths and names of keys, never a value.
  std::string read(const VaultReference& reference);
  // Logs in, if that has not been done, and asks Vault what it says of the token: who is logged in, for how long, what
  // for; no part of the token. For people.
  std::string about_login();
  // Throws Error(retryable) when it is away, sealed or not set up. Asks without a token; its version, and the address.
  std::string about_server();
  // What was read is forgotten, and that a login was refused: a secret may have been rotated.
  void forget();

 private:
  struct Mount {
    std::string path;  // without slashes at its ends
    int version = 2;
  };
  struct Call {
    std::string doing;
    std::string method = "GET";
    std::string path;  // below /v1/
    std::string body = {};
    bool with_token = true;
  };

  HttpResponse send(const Call& call);
  HttpResponse attempt(const Call& call);
  void log_in();
  void renew_in_time();
  void take_token(const HttpResponse& answer);
  Mount mount_of(const std::string& path);
  std::optional<Mount> ask_mount(const std::string& path);
  const Secret& document(const Mount& mount, const VaultReference& reference);
  Error refused(const HttpResponse& answer, const std::string& doing, const std::string& path) const;

  const VaultSettings settings_;
  std::mutex mutex_;
  std::unique_ptr<HttpConnection> http_;
  Secret token_;
  std::optional<Error> login_refused_;  // a Vault locks a role after a few
  bool renewable_ = false;
  std::chrono::steady_clock::time_point renew_at_;
  std::map<std::string, Mount> mounts_;      // by path
  std::map<std::string, Secret> documents_;  // by address; the answers' texts
};

}  // namespace pulk
