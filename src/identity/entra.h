// Access tokens of Microsoft Entra ID for programs: OAuth 2.0 client credentials with a secret, a certificate or a
// token of another issuer, and managed identities. Sources: "Microsoft identity platform and the OAuth 2.0 client
// credentials flow", "Certificate credentials", "How to use managed identities to acquire an access token".
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/login_secret.h"
#include "base/secret.h"
#include "config/entra_identity.h"

namespace pulk {

// Thread-safe; one request is under way at a time, and the others wait for it.
class EntraTokens {
 public:
  explicit EntraTokens(EntraIdentity identity);

  // The token that is kept, or a new one when less than 60 s of its life are left. Throws Error(refused) for what Entra
  // says against it, with its code (AADSTS…) and what to do; Error(retryable) when it is away or throttles.
  Secret token();
  // The service refused it: the next one is new.
  void forget();

 private:
  Secret ask();
  Secret ask_entra(const Secret& client_secret);
  Secret ask_machine();
  Secret taken(const std::string& answer);

  const EntraIdentity identity_;
  LoginSecret client_secret_;
  std::mutex mutex_;
  Secret token_;
  std::chrono::steady_clock::time_point renew_at_;
};

// The one of this process for an identity and scope: sessions share tokens.
EntraTokens& entra_tokens(const EntraIdentity& identity);

}  // namespace pulk
