#include "identity/kerberos_keytab.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/strings.h"
#include "identity/kerberos_error.h"

namespace pulk {
namespace {

[[noreturn]] void fail(const char* doing) {
  throw Error(ErrorKind::retryable,
              std::string("the keytab cannot be kept in memory: ") + doing + ": " + std::strerror(errno));
}

// All of `bytes` at the beginning of the file.
bool write_all(int file, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t step = ::pwrite(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (step < 0 && errno == EINTR) continue;
    if (step <= 0) return false;
    done += static_cast<std::size_t>(step);
  }
  return true;
}

}  // namespace

OpenKeytab::OpenKeytab(krb5_context context, const KerberosIdentity& identity) : context_(context), keytab_(context) {
  std::string name = "FILE:" + identity.keytab_file;
  if (identity.keytab_file.empty()) {
    show(identity.keytab.reveal());
    name = "FILE:/proc/self/fd/" + std::to_string(memory_);
  } else if (::access(identity.keytab_file.c_str(), R_OK) != 0) {
    throw Error(ErrorKind::usage, std::string("the keytab cannot be read: ") + std::strerror(errno),
                identity.keytab_file, "it must be readable for the user that pulk runs as, and for nobody else");
  }
  check_kerberos(context, krb5_kt_resolve(context, name.c_str(), keytab_.out()), {});
}

OpenKeytab::~OpenKeytab() {
  if (memory_ < 0) return;
  write_all(memory_, std::string(size_, '\0'));
  ::close(memory_);
}

void OpenKeytab::show(const std::string& bytes) {
  memory_ = ::memfd_create("keytab", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory_ < 0) fail("memfd_create");
  size_ = bytes.size();
  // Writing stays allowed, or it could not be overwritten.
  if (write_all(memory_, bytes) && ::fcntl(memory_, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
    return;
  const int why = errno;
  ::close(memory_);
  errno = why;
  fail("write");
}

std::vector<KeytabEntry> OpenKeytab::entries() const {
  std::vector<KeytabEntry> found;
  krb5_kt_cursor cursor = nullptr;
  if (krb5_kt_start_seq_get(context_, keytab_.get(), &cursor) != 0) return found;
  krb5_keytab_entry entry{};
  while (krb5_kt_next_entry(context_, keytab_.get(), &entry, &cursor) == 0) {
    found.push_back(
        {krb5_text(context_, entry.principal), static_cast<int>(entry.vno), krb5_enctype_text(entry.key.enctype)});
    krb5_free_keytab_entry_contents(context_, &entry);
  }
  krb5_kt_end_seq_get(context_, keytab_.get(), &cursor);
  return found;
}

std::string text_of(const std::vector<KeytabEntry>& entries) {
  std::vector<std::string> texts;
  for (const KeytabEntry& entry : entries)
    texts.push_back(entry.principal + " (kvno " + std::to_string(entry.kvno) + ", " + entry.enctype + ")");
  constexpr std::size_t kMost = 12;
  const std::size_t more = texts.size() > kMost ? texts.size() - kMost : 0;
  if (more > 0) texts.resize(kMost);
  return join(texts, ", ") + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

bool has_principal(const std::vector<KeytabEntry>& entries, const std::string& principal) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const KeytabEntry& entry) { return entry.principal == principal; });
}

}  // namespace pulk
