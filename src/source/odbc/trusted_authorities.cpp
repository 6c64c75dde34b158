#include "source/odbc/trusted_authorities.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/environment.h"
#include "base/error.h"
#include "base/strings.h"
#include "config/text_file.h"

namespace pulk::odbc {
namespace {

// Of Debian and Ubuntu, and of Red Hat and its kin.
constexpr const char* kSystemFiles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"};

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string trusted_now() {
  if (const std::string named = environment("SSL_CERT_FILE"); !named.empty()) return content_of(named);
  for (const char* path : kSystemFiles)
    if (std::string text = content_of(path); !text.empty()) return text;
  return "";
}

}  // namespace

void trust_authorities(const std::string& file) {
  static std::string trusted;
  if (file == trusted) return;
  const std::string own = read_text_file(file, "name a PEM file with the authority's certificate");
  if (!contains(own, "-----BEGIN CERTIFICATE-----"))
    throw Error(ErrorKind::usage, "there is no certificate in the file (PEM)", file,
                "openssl x509 -inform der makes PEM of DER");
  const std::string all = trusted_now() + "\n" + own;
  // Stays open as long as the process: whoever verifies a certificate opens it by its number.
  const int descriptor = ::memfd_create("pulk-authorities", MFD_CLOEXEC);
  if (descriptor < 0 || ::write(descriptor, all.data(), all.size()) != static_cast<ssize_t>(all.size()))
    throw Error(ErrorKind::internal, std::string("no file in memory: ") + std::strerror(errno), file);
  ::setenv("SSL_CERT_FILE", ("/proc/self/fd/" + std::to_string(descriptor)).c_str(), 1);
  trusted = file;
}

}  // namespace pulk::odbc
