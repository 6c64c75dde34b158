// Certificates of authorities that Microsoft's driver takes for a server's beside those of the system. It has no
// keyword for them: it asks OpenSSL, which reads the file that SSL_CERT_FILE names.
#pragma once

#include <string>

namespace pulk::odbc {

// Makes an unnamed file in memory of what is trusted now and of the certificates in `file` (PEM), and names it by
// SSL_CERT_FILE. What is trusted now stays in it because others read the variable too, Snowflake's driver among them.
// To be called before there are threads and before a driver has been used; again with the same file it does nothing.
// Throws Error(usage) when the file cannot be read or has no certificate in it.
void trust_authorities(const std::string& file);

}  // namespace pulk::odbc
