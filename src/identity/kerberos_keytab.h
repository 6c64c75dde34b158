// A keytab for as long as libkrb5 reads it. One that came as a value is in a memfd meanwhile, an unnamed file that is
// only in memory, and is overwritten before that goes: libkrb5 has no other way in for the bytes of a keytab.
#pragma once

#include <string>
#include <vector>

#include "config/kerberos_identity.h"
#include "identity/kerberos_look.h"
#include "identity/krb5_handles.h"

namespace pulk {

class OpenKeytab {
 public:
  // A file is opened anew each time: it may have been replaced. Throws Error.
  OpenKeytab(krb5_context context, const KerberosIdentity& identity);
  ~OpenKeytab();
  OpenKeytab(const OpenKeytab&) = delete;
  OpenKeytab& operator=(const OpenKeytab&) = delete;

  krb5_keytab get() const { return keytab_.get(); }
  // Without those whose keys libkrb5 cannot read.
  std::vector<KeytabEntry> entries() const;

 private:
  void show(const std::string& bytes);

  krb5_context context_;
  int memory_ = -1;
  std::size_t size_ = 0;
  Krb5Keytab keytab_;
};

// "svc@CORP.COM (kvno 3, aes256-cts-hmac-sha1-96)", one after the other, and whether one of them is `principal`.
std::string text_of(const std::vector<KeytabEntry>& entries);
bool has_principal(const std::vector<KeytabEntry>& entries, const std::string& principal);

}  // namespace pulk
