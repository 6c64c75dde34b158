#include "identity/krb5_handles.h"

#include "identity/kerberos_error.h"

namespace pulk {

Krb5Context::Krb5Context() {
  const krb5_error_code code = krb5_init_context(&context_);
  if (code != 0) throw kerberos_error(nullptr, code, {});
}

std::string krb5_text(krb5_context context, krb5_const_principal principal) {
  char* text = nullptr;
  if (principal == nullptr || krb5_unparse_name(context, principal, &text) != 0) return "";
  std::string copy = text;
  krb5_free_unparsed_name(context, text);
  return copy;
}

std::string krb5_enctype_text(krb5_enctype enctype) {
  char name[100] = {};
  if (krb5_enctype_to_name(enctype, false, name, sizeof name) == 0) return name;
  return "enctype " + std::to_string(enctype);
}

}  // namespace pulk
