#include "orchestrator/tds_handshake.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "identity/openssl_freed.h"

namespace pulk {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned char kPrelogin = 0x12, kAnswer = 0x04;
constexpr std::size_t kHeader = 8, kLargestPacket = 4096;
// Options of PRELOGIN, and the values of ENCRYPTION.
constexpr unsigned char kVersion = 0, kEncryption = 1, kEnd = 0xff;
constexpr unsigned char kOff = 0, kOn = 1, kNotSupported = 2, kRequired = 3;

using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

std::string openssl_said() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

class Wire {
 public:
  Wire(probe::Descriptor socket, Clock::time_point deadline) : socket_(std::move(socket)), deadline_(deadline) {}

  void send(const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
      wait(POLLOUT);
      const ssize_t n = ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN && errno != EINTR) gone();
      if (n > 0) sent += static_cast<std::size_t>(n);
    }
  }
  // Some bytes, at most `most`.
  std::string receive(std::size_t most) {
    std::string bytes(most, '\0');
    while (true) {
      wait(POLLIN);
      const ssize_t n = ::recv(socket_.get(), bytes.data(), most, 0);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) gone();
      if (n < 0) continue;
      bytes.resize(static_cast<std::size_t>(n));
      return bytes;
    }
  }
  std::string receive_all(std::size_t size) {
    std::string bytes;
    while (bytes.size() < size) bytes += receive(size - bytes.size());
    return bytes;
  }

 private:
  void wait(short event) {
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
      pollfd one{socket_.get(), event, 0};
      const int ready = left <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left));
      if (ready > 0) return;
      if (ready < 0 && errno == EINTR) continue;
      throw Error(ErrorKind::retryable, "the server takes connections and does not answer", "",
                  "see whether the server is well, and whether a SQL Server listens on this port");
    }
  }
  [[noreturn]] static void gone() {
    throw Error(ErrorKind::retryable, "the server ended the connection before the login", "",
                "see whether a SQL Server listens on this port; with encrypt = \"strict\" it has to be one with TDS 8");
  }

  probe::Descriptor socket_;
  const Clock::time_point deadline_;
};

void send_packet(Wire& wire, const std::string& content) {
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t part = std::min(content.size() - at, kLargestPacket - kHeader), length = part + kHeader;
    const bool last = at + part == content.size();
    std::string packet = {static_cast<char>(kPrelogin),
                          static_cast<char>(last ? 1 : 0),
                          static_cast<char>(length >> 8),
                          static_cast<char>(length & 0xff),
                          0,
                          0,
                          0,
                          0};
    wire.send(packet + content.substr(at, part));
    at += part;
  }
}

// The content of one packet.
std::string receive_packet(Wire& wire) {
  const std::string header = wire.receive_all(kHeader);
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(header[i]); };
  const std::size_t length = static_cast<std::size_t>(byte(2) << 8 | byte(3));
  if ((byte(0) != kAnswer && byte(0) != kPrelogin) || length < kHeader)
    throw Error(ErrorKind::usage, "what listens here does not speak TDS", "",
                "check the port: SQL Server's is 1433 as a rule");
  return wire.receive_all(length - kHeader);
}

void exchange_prelogin(Wire& wire, bool encrypt, TdsHandshake& found) {
  // VERSION at 11, six bytes; ENCRYPTION at 17, one byte.
  const unsigned char question[] = {kVersion, 0,    11, 0, 6, kEncryption, 0, 17, 0,
                                    1,        kEnd, 18, 0, 0, 0,           0, 0,  encrypt ? kOn : kOff};
  send_packet(wire, std::string(reinterpret_cast<const char*>(question), sizeof question));
  const std::string answer = receive_packet(wire);
  const auto byte = [&](std::size_t i) { return i < answer.size() ? static_cast<unsigned char>(answer[i]) : 0xffU; };
  for (std::size_t at = 0; byte(at) != kEnd; at += 5) {
    const std::size_t where = byte(at + 1) << 8 | byte(at + 2);
    if (byte(at) == kVersion)
      found.version = fmt::format("{}.{}.{}", byte(where), byte(where + 1), byte(where + 2) << 8 | byte(where + 3));
    if (byte(at) == kEncryption) {
      found.encrypts = byte(where) != kNotSupported;
      found.insists = byte(where) == kRequired;
    }
  }
}

// TLS over memory, its bytes carried by hand: in packets before a login, as they are with strict.
void shake_hands(SSL* session, Wire& wire, bool strict) {
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(session, in, out);
  while (true) {
    const int result = SSL_connect(session);
    const int error = SSL_get_error(session, result);
    char* data = nullptr;
    if (const long size = BIO_get_mem_data(out, &data); size > 0) {
      const std::string bytes(data, static_cast<std::size_t>(size));
      BIO_reset(out);
      strict ? wire.send(bytes) : send_packet(wire, bytes);
    }
    if (result == 1) return;
    if (error != SSL_ERROR_WANT_READ)
      throw Error(
          ErrorKind::usage, "TLS: " + openssl_said(), "",
          "the server and this machine's OpenSSL have no version or cipher in common: see /etc/ssl/openssl.cnf and the "
          "server's settings of Schannel");
    const std::string bytes = strict ? wire.receive(kLargestPacket) : receive_packet(wire);
    BIO_write(in, bytes.data(), static_cast<int>(bytes.size()));
  }
}

std::string name_of(const X509_NAME* name) {
  const std::unique_ptr<BIO, Freed<BIO_free>> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string time_of(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "?";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::vector<std::string> names_in(X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(all.get(), i);
    if (one->type != GEN_DNS) continue;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(one->d.dNSName)),
                       static_cast<std::size_t>(ASN1_STRING_length(one->d.dNSName)));
  }
  return names;
}

// Whether the server's chain leads to the system's authorities, without those of the user's own file.
bool trusted_by_system(SSL* session, X509* certificate) {
  const std::unique_ptr<X509_STORE, Freed<X509_STORE_free>> store(X509_STORE_new());
  X509_STORE_set_default_paths(store.get());
  const std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>> check(X509_STORE_CTX_new());
  X509_STORE_CTX_init(check.get(), store.get(), certificate, SSL_get_peer_cert_chain(session));
  return X509_verify_cert(check.get()) == 1;
}

void look_at_certificate(SSL* session, const TdsHandshakeOptions& options, TdsHandshake& found) {
  found.protocol = SSL_get_version(session);
  const Certificate certificate(SSL_get1_peer_certificate(session));
  if (certificate == nullptr) throw Error(ErrorKind::usage, "the server shows no certificate");
  found.subject = name_of(X509_get_subject_name(certificate.get()));
  found.issuer = name_of(X509_get_issuer_name(certificate.get()));
  found.names = names_in(certificate.get());
  found.begins = time_of(X509_get0_notBefore(certificate.get()));
  found.ends = time_of(X509_get0_notAfter(certificate.get()));
  // As the driver does: names only, an address in the certificate does not count.
  found.names_host = X509_check_host(certificate.get(), options.name.data(), options.name.size(), 0, nullptr) == 1;
  const long verdict = SSL_get_verify_result(session);
  found.not_now = verdict == X509_V_ERR_CERT_NOT_YET_VALID || verdict == X509_V_ERR_CERT_HAS_EXPIRED;
  if (verdict != X509_V_OK) found.distrust = X509_verify_cert_error_string(verdict);
  found.by_own_file =
      verdict == X509_V_OK && !options.ca_certificate.empty() && !trusted_by_system(session, certificate.get());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate.get(), EVP_sha256(), digest, &size);
  for (unsigned i = 0; i < size; ++i) found.fingerprint += fmt::format("{}{:02X}", i == 0 ? "" : ":", digest[i]);
}

Context context_for(const TdsHandshakeOptions& options) {
  Context context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) throw Error(ErrorKind::internal, "OpenSSL: " + openssl_said());
  // What is wrong with the certificate is to be told, not to end the handshake.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_default_verify_paths(context.get());
  if (!options.ca_certificate.empty() && SSL_CTX_load_verify_file(context.get(), options.ca_certificate.c_str()) != 1)
    throw Error(ErrorKind::usage, "is no file of certificates (PEM): " + openssl_said(), options.ca_certificate,
                "name a PEM file with the authority's certificate by ca_certificate");
  ERR_clear_error();
  return context;
}

}  // namespace

TdsHandshake tds_handshake(const TdsHandshakeOptions& options) {
  const Context context = context_for(options);
  const auto deadline = Clock::now() + options.timeout;
  Wire wire(probe::open_connection(options.addresses, options.port, options.timeout).first, deadline);
  TdsHandshake found;
  if (!options.strict) exchange_prelogin(wire, options.encrypt, found);
  if (!found.encrypts) return found;
  const Session session(SSL_new(context.get()));
  SSL_set_tlsext_host_name(session.get(), options.host.c_str());
  static constexpr unsigned char tds8[] = "\x07tds/8.0";
  if (options.strict) SSL_set_alpn_protos(session.get(), tds8, sizeof tds8 - 1);
  shake_hands(session.get(), wire, options.strict);
  look_at_certificate(session.get(), options, found);
  return found;
}

}  // namespace pulk
