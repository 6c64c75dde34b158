// Lets unique_ptr own what OpenSSL allocates: std::unique_ptr<X509, Freed<X509_free>>.
#pragma once

namespace pulk {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};

}  // namespace pulk
