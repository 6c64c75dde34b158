#include "identity/client_assertion.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "identity/openssl_freed.h"

namespace pulk {
namespace {

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

constexpr std::chrono::minutes kLife{10};

std::string base64url(const unsigned char* bytes, std::size_t size) {
  std::string out(4 * ((size + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes, static_cast<int>(size));
  out.resize(static_cast<std::size_t>(length));
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}
std::string base64url(std::string_view text) {
  return base64url(reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

Bio reading(const Secret& pem) {
  return Bio(BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.reveal().size())));
}

// A key that asks for a passphrase is refused, not waited for.
int no_passphrase(char*, int, int, void*) { return -1; }

[[noreturn]] void throw_wrong(const std::string& file, const std::string& what) {
  throw Error(ErrorKind::usage, what, file,
              "give a PEM file with the certificate and its RSA private key, not encrypted");
}

}  // namespace

Secret client_assertion(const std::string& pem_file, const std::string& client_id, const std::string& audience) {
  std::ifstream file(pem_file, std::ios::binary);
  if (!file) throw_wrong(pem_file, "the certificate cannot be read");
  const Secret pem(std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
  const Bio for_certificate = reading(pem), for_key = reading(pem);
  const Certificate certificate(PEM_read_bio_X509(for_certificate.get(), nullptr, no_passphrase, nullptr));
  if (!certificate) throw_wrong(pem_file, "has no certificate");
  const Key key(PEM_read_bio_PrivateKey(for_key.get(), nullptr, no_passphrase, nullptr));
  if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA) throw_wrong(pem_file, "has no RSA private key");
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    throw_wrong(pem_file, "the private key is not that of the certificate");

  std::array<unsigned char, EVP_MAX_MD_SIZE> thumbprint{};
  unsigned int thumbprint_size = 0;
  X509_digest(certificate.get(), EVP_sha1(), thumbprint.data(), &thumbprint_size);
  std::array<unsigned char, 16> random{};
  RAND_bytes(random.data(), static_cast<int>(random.size()));
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const nlohmann::json header{{"alg", "RS256"}, {"typ", "JWT"}, {"x5t", base64url(thumbprint.data(), thumbprint_size)}};
  const nlohmann::json claims{{"aud", audience},
                              {"iss", client_id},
                              {"sub", client_id},
                              {"jti", base64url(random.data(), random.size())},
                              {"nbf", now - 60},  // clocks differ
                              {"exp", now + std::chrono::seconds(kLife).count()}};
  const std::string said = base64url(header.dump()) + "." + base64url(claims.dump());

  const Digest digest(EVP_MD_CTX_new());
  std::size_t size = 0;
  std::vector<unsigned char> signature;
  const auto* bytes = reinterpret_cast<const unsigned char*>(said.data());
  bool signed_well = EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
                     EVP_DigestSign(digest.get(), nullptr, &size, bytes, said.size()) == 1;
  signature.resize(size);
  signed_well = signed_well && EVP_DigestSign(digest.get(), signature.data(), &size, bytes, said.size()) == 1;
  if (!signed_well) throw_wrong(pem_file, "the private key cannot sign");
  return Secret(said + "." + base64url(signature.data(), size));
}

}  // namespace pulk
