#include "identity/kerberos_error.h"

#include <cstdlib>

#include "base/environment.h"
#include "base/strings.h"

namespace pulk {
namespace {

struct Explained {
  ErrorKind kind;
  std::string message;
  std::string hint;
};

std::string configuration() {
  const std::string named = environment("KRB5_CONFIG");
  return named.empty() ? "/etc/krb5.conf" : named;
}

std::string said(krb5_context context, krb5_error_code code) {
  const char* text = krb5_get_error_message(context, code);
  std::string copy = text == nullptr ? "" : text;
  krb5_free_error_message(context, text);
  return copy.empty() ? "error " + std::to_string(code) : copy;
}

std::string clocks(const std::optional<int>& ahead) {
  if (!ahead) return "this machine's clock and the KDC's are too far apart";
  return "the KDC's clock is " + std::to_string(std::abs(*ahead)) + " s " + (*ahead < 0 ? "behind" : "ahead of") +
         " this machine's";
}

bool has_lower_case(const std::string& realm) { return realm != to_upper(realm); }

std::string realm_hint(const KerberosAttempt& attempt) {
  if (has_lower_case(attempt.realm)) return "realms are in upper case as a rule: " + to_upper(attempt.realm) + "?";
  return "name its KDC under [realms] in " + configuration() + ", or see that the DNS has _kerberos._tcp." +
         to_lower(attempt.realm);
}

std::optional<Explained> explain_client(krb5_error_code code, const KerberosAttempt& attempt) {
  const std::string& who = attempt.principal;
  switch (code) {
    case KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN:
      return Explained{ErrorKind::refused, "the KDC of " + attempt.realm + " does not know this principal",
                       "check its spelling, which in Active Directory is that of the account's userPrincipalName or "
                       "sAMAccountName, never that of an SPN"};
    case KRB5KDC_ERR_CLIENT_REVOKED:
      return Explained{ErrorKind::refused, "the account is disabled, locked or has expired",
                       "ask the administrator of the realm"};
    case KRB5KDC_ERR_CLIENT_NOTYET:
      return Explained{ErrorKind::refused, "the account is not valid yet", "ask the administrator of the realm"};
    case KRB5KDC_ERR_NAME_EXP:
      return Explained{ErrorKind::refused, "the account has expired", "ask the administrator of the realm"};
    case KRB5KDC_ERR_KEY_EXP:
      return Explained{ErrorKind::refused, "the account's password has expired",
                       "set a new one (service accounts: one that never expires) and make a new keytab"};
    case KRB5KDC_ERR_PREAUTH_FAILED:
    case KRB5KRB_AP_ERR_BAD_INTEGRITY:
      return Explained{ErrorKind::refused,
                       "the key in the keytab is not the account's" +
                           (attempt.keytab.empty() ? "" : "; the keytab has " + attempt.keytab),
                       "the account's password was changed after the keytab was made, or the keytab was made with "
                       "another salt: make a new one"};
    case KRB5_KT_NOTFOUND:
    case KRB5_KT_KVNONOTFOUND:
      if (attempt.keytab_has_principal)
        return Explained{ErrorKind::refused,
                         "the keytab has no key of a type that " + configuration() +
                             " permits and the KDC asks for; it has " + attempt.keytab,
                         "make a keytab with AES256 keys"};
      return Explained{ErrorKind::usage,
                       "the keytab has no key of this principal; it has " +
                           (attempt.keytab.empty() ? "none" : "those of " + attempt.keytab),
                       "write one of them as principal, or make a keytab for " + who};
    case KRB5KDC_ERR_ETYPE_NOSUPP:
    case KRB5_CONFIG_ETYPE_NOSUPP:
    case KRB5_PROG_ETYPE_NOSUPP:
    case KRB5_PROG_KEYTYPE_NOSUPP:
      return Explained{ErrorKind::refused,
                       "the KDC and this machine have no type of encryption in common" +
                           (attempt.keytab.empty() ? "" : "; the keytab has " + attempt.keytab),
                       "allow AES256 for the account (Active Directory: \"This account supports Kerberos AES 256 bit "
                       "encryption\") and see permitted_enctypes in " +
                           configuration()};
    default:
      break;
  }
  return std::nullopt;
}

std::optional<Explained> explain_realm(krb5_error_code code, const KerberosAttempt& attempt) {
  switch (code) {
    case KRB5_REALM_UNKNOWN:
    case KRB5_REALM_CANT_RESOLVE:
      return Explained{ErrorKind::usage, "no KDC is known for the realm " + attempt.realm, realm_hint(attempt)};
    case KRB5KDC_ERR_WRONG_REALM:
      return Explained{ErrorKind::usage, "the account is not of the realm " + attempt.realm,
                       "write the realm of the account's own domain"};
    case KRB5_KDCREP_MODIFIED:
      return Explained{
          ErrorKind::usage, "the KDC answered for another principal or realm than it was asked for",
          has_lower_case(attempt.realm) ? realm_hint(attempt) : "write the principal exactly as the realm has it"};
    case KRB5_KDC_UNREACH:
    case KRB5KDC_ERR_SVC_UNAVAILABLE:
      return Explained{ErrorKind::retryable, "no KDC of the realm " + attempt.realm + " answers",
                       "check that its address in " + configuration() +
                           " is right and that port 88 is open from here, UDP and TCP; then run again"};
    case KRB5_CONFIG_NODEFREALM:
      return Explained{ErrorKind::usage, "the principal has no realm, and there is no default one",
                       "write NAME@REALM, or default_realm in " + configuration()};
    case KRB5_CONFIG_CANTOPEN:
    case KRB5_CONFIG_BADFORMAT:
      return Explained{ErrorKind::usage,
                       configuration() + (code == KRB5_CONFIG_CANTOPEN ? " cannot be read" : " is not well-formed"),
                       "name the right file with krb5_conf"};
    default:
      return std::nullopt;
  }
}

std::optional<Explained> explain_ticket(krb5_error_code code, const KerberosAttempt& attempt) {
  const std::string in_cache = attempt.cache.empty() ? "" : " in " + attempt.cache;
  switch (code) {
    case KRB5KRB_AP_ERR_SKEW:
    case KRB5_KDCREP_SKEW:
    case KRB5KRB_AP_ERR_TKT_NYV:
    case KRB5KDC_ERR_NEVER_VALID:
      return Explained{ErrorKind::usage, clocks(attempt.kdc_ahead) + "; Kerberos allows 300 s",
                       "set the clocks by a time server (NTP)"};
    case KRB5KRB_AP_ERR_TKT_EXPIRED:
      return Explained{ErrorKind::usage, "the ticket" + in_cache + " has ended",
                       "kinit gets a new one; with a keytab pulk does that itself"};
    case KRB5_CC_NOTFOUND:
    case KRB5_CC_END:
    case KRB5_FCC_NOFILE:
    case KRB5_CC_NOSUPP:
      return Explained{ErrorKind::usage, "there is no ticket" + in_cache,
                       "kinit gets one, as the user that pulk runs as; or write principal and keytab"};
    case KRB5_FCC_PERM:
    case KRB5_CC_FORMAT:
    case KRB5_CC_BADNAME:
    case KRB5_CC_UNKNOWN_TYPE:
      return Explained{ErrorKind::usage,
                       "the credential cache" + (attempt.cache.empty() ? "" : " " + attempt.cache) + " cannot be used",
                       "klist as the user that pulk runs as shows what is wrong with it"};
    case KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN:
      return Explained{ErrorKind::refused,
                       "the KDC knows no service " + (attempt.service.empty() ? "of this name" : attempt.service),
                       "connect by the name that the service is registered with; Active Directory: setspn -Q */HOST* lists "
                       "the names, setspn -S " + (attempt.service.empty() ? "NAME" : attempt.service.substr(0, attempt.service.find('@'))) +
                           " DOMAIN\\ACCOUNT adds this one to the account that the service runs as"};
    case KRB5KDC_ERR_PRINCIPAL_NOT_UNIQUE:
      return Explained{ErrorKind::refused, "the service " + attempt.service + " is registered with several accounts",
                       "setspn -X lists them; remove all but that of the account that the service runs as"};
    case KRB5KRB_AP_ERR_MODIFIED:
      return Explained{ErrorKind::refused, "the service cannot decrypt its ticket",
                       "the SPN belongs to another account than the service runs as, or its keytab is older than its "
                       "password"};
    default:
      return std::nullopt;
  }
}

}  // namespace

Error kerberos_error(krb5_context context, krb5_error_code code, const KerberosAttempt& attempt) {
  std::string subject = "Kerberos";
  if (!attempt.principal.empty()) subject += ", " + attempt.principal;
  for (const auto& explain : {explain_client, explain_realm, explain_ticket}) {
    const auto found = explain(code, attempt);
    if (found) return Error(found->kind, found->message + " [" + said(context, code) + "]", subject, found->hint);
  }
  return Error(ErrorKind::refused, said(context, code), subject,
               "KRB5_TRACE=/dev/stderr shows what libkrb5 does; it shows no keys");
}

}  // namespace pulk
