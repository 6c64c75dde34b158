// Owners for what libkrb5 hands out. A context, and all that was made with it, belongs to one thread.
#pragma once

#include <krb5/krb5.h>

#include <string>
#include <utility>

namespace pulk {

class Krb5Context {
 public:
  // Reads krb5.conf. Throws Error(usage) when that cannot be read.
  Krb5Context();
  ~Krb5Context() { krb5_free_context(context_); }
  Krb5Context(const Krb5Context&) = delete;
  Krb5Context& operator=(const Krb5Context&) = delete;
  operator krb5_context() const { return context_; }

 private:
  krb5_context context_ = nullptr;
};

template <typename Handle, auto Free>
class Krb5Handle {
 public:
  explicit Krb5Handle(krb5_context context) : context_(context) {}
  Krb5Handle(Krb5Handle&& other) noexcept : context_(other.context_), handle_(std::exchange(other.handle_, nullptr)) {}
  Krb5Handle& operator=(Krb5Handle&&) = delete;
  ~Krb5Handle() {
    if (handle_ != nullptr) Free(context_, handle_);
  }
  Handle get() const { return handle_; }
  Handle* out() { return &handle_; }
  Handle release() { return std::exchange(handle_, nullptr); }

 private:
  krb5_context context_;
  Handle handle_ = nullptr;
};

using Krb5Principal = Krb5Handle<krb5_principal, krb5_free_principal>;
using Krb5Cache = Krb5Handle<krb5_ccache, krb5_cc_close>;
using Krb5Keytab = Krb5Handle<krb5_keytab, krb5_kt_close>;
using Krb5InitOptions = Krb5Handle<krb5_get_init_creds_opt*, krb5_get_init_creds_opt_free>;

// Tickets with their session keys, which libkrb5 wipes when they are freed.
class Krb5Creds {
 public:
  explicit Krb5Creds(krb5_context context) : context_(context) {}
  ~Krb5Creds() { krb5_free_cred_contents(context_, &creds_); }
  Krb5Creds(Krb5Creds&& other) noexcept : context_(other.context_), creds_(std::exchange(other.creds_, krb5_creds{})) {}
  Krb5Creds& operator=(Krb5Creds&&) = delete;
  krb5_creds* get() { return &creds_; }
  const krb5_creds& operator*() const { return creds_; }
  const krb5_creds* operator->() const { return &creds_; }

 private:
  krb5_context context_;
  krb5_creds creds_{};
};

// "svc_loader@CORP.COM"; "" for nullptr.
std::string krb5_text(krb5_context context, krb5_const_principal principal);
// "aes256-cts-hmac-sha1-96".
std::string krb5_enctype_text(krb5_enctype enctype);
// The time as one: libkrb5's 32 bits have no sign.
inline long long krb5_seconds(krb5_timestamp stamp) { return static_cast<unsigned int>(stamp); }

}  // namespace pulk
