#include "orchestrator/doctor_token.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/secret.h"
#include "identity/entra.h"

namespace pulk {
namespace {

// What a JWT claims (RFC 7519); an empty object for any other token.
nlohmann::json claims_of(const Secret& token) {
  const std::string& text = token.reveal();
  const std::size_t first = text.find('.'), second = text.find('.', first + 1);
  if (first == std::string::npos || second == std::string::npos) return nlohmann::json::object();
  std::string part = text.substr(first + 1, second - first - 1);
  std::replace(part.begin(), part.end(), '-', '+');
  std::replace(part.begin(), part.end(), '_', '/');
  part.resize((part.size() + 3) / 4 * 4, '=');
  const auto decoded = decoded_base64(part);
  nlohmann::json claims = decoded ? nlohmann::json::parse(decoded->reveal(), nullptr, false) : nlohmann::json();
  return claims.is_object() ? claims : nlohmann::json::object();
}

std::string text_in(const nlohmann::json& claims, const char* name) {
  const auto found = claims.find(name);
  return found != claims.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Verdict look_at_token(const EntraIdentity& identity, const std::string& audience) {
  const nlohmann::json claims = claims_of(entra_tokens(identity).token());
  if (claims.empty())
    return passed("a token for " + identity.scope + "; what it says can be read by its receiver only");
  const std::string for_whom = text_in(claims, "aud");
  std::string what = "for " + (for_whom.empty() ? "nobody" : for_whom);
  if (const auto end = claims.find("exp"); end != claims.end() && end->is_number()) {
    const auto seconds = end->get<std::int64_t>();
    what += fmt::format(", until {:%Y-%m-%d %H:%M:%S} UTC, for another {} s",
                        fmt::gmtime(static_cast<std::time_t>(seconds)), seconds - std::time(nullptr));
  }
  for (const auto& [claim, name] :
       {std::pair{"iss", "issuer"}, {"appid", "application"}, {"azp", "application"}, {"oid", "object"}})
    if (const std::string text = text_in(claims, claim); !text.empty()) what += fmt::format(", {} {}", name, text);
  if (audience.empty() || for_whom.starts_with(audience)) return passed(what);
  return warned(what, "the service takes tokens for " + audience + "…: correct azure_scope");
}

}  // namespace pulk
