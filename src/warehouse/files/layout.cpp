#include "warehouse/files/layout.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/strings.h"
#include "stage/local/local_file.h"

namespace pulk::files {

namespace fs = std::filesystem;

namespace {

// File systems end at 255 bytes.
constexpr std::size_t kLongest = 200;

}  // namespace

std::string folder_name(const std::string& name) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '/' || c == '.' || c == '%' || byte < 0x20 || byte == 0x7f) {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  // "%~" cannot come out of the loop above, so a shortened name meets no other.
  if (out.size() > kLongest) out = out.substr(0, kLongest - 36) + "%~" + xxh128_hex(name);
  return out;
}

std::string marks_path(const std::string& root) { return root + "/.pulk/marks.sqlite"; }

std::string table_folder(const std::string& root, const QualifiedName& table) {
  return root + "/" + folder_name(table.schema) + "/" + folder_name(table.table);
}

std::string version_name(const std::string& run) { return "v-" + run; }

std::string version_folder(const std::string& root, const QualifiedName& table, const std::string& run) {
  return table_folder(root, table) + "/" + version_name(run);
}

std::string stage_folder(const std::string& root, const QualifiedName& table, const std::string& run) {
  return root + "/.pulk/stage/" + run + "/" + folder_name(table.schema) + "/" + folder_name(table.table);
}

void remove_stage(const std::string& root, const QualifiedName& table, const std::string& run) {
  const fs::path folder = stage_folder(root, table, run);
  remove_tree(folder.string());
  // The folders above go with the last table in them: those of the schema and of the run.
  std::error_code ignored;
  if (fs::remove(folder.parent_path(), ignored)) fs::remove(folder.parent_path().parent_path(), ignored);
}

std::optional<std::string> current_version(const std::string& table_folder) {
  std::error_code why;
  const fs::path to = fs::read_symlink(table_folder + "/current", why);
  if (why == std::errc::no_such_file_or_directory || why == std::errc::not_a_directory) return std::nullopt;
  if (why)
    throw Error(ErrorKind::usage, "is not a link to a version: " + why.message(), table_folder + "/current",
                "move it away, pulk makes its own");
  return to.string();
}

void make_current(const std::string& table_folder, const std::string& version) {
  const std::string link = table_folder + "/.current." + version;
  std::remove(link.c_str());
  if (::symlink(version.c_str(), link.c_str()) != 0) throw_file_error(errno, "create", link);
  const std::string current = table_folder + "/current";
  if (::rename(link.c_str(), current.c_str()) != 0) throw_file_error(errno, "rename", current);
  sync_folder(table_folder);
}

void write_durably(const std::string& path, const std::string& content) {
  const std::string partial = path + kPartialSuffix;
  const int fd = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) throw_file_error(errno, "create", partial);
  std::size_t done = 0;
  int why = 0;
  while (done < content.size() && why == 0) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n >= 0) done += static_cast<std::size_t>(n);
    else if (errno != EINTR) why = errno;
  }
  if (why == 0 && ::fsync(fd) != 0) why = errno;
  ::close(fd);
  if (why != 0) throw_file_error(why, "write", partial);
  if (::rename(partial.c_str(), path.c_str()) != 0) throw_file_error(errno, "rename", path);
  sync_folder(fs::path(path).parent_path().string());
}

void remove_tree(const std::string& path) {
  std::error_code why;
  fs::remove_all(path, why);
  if (why && why != std::errc::no_such_file_or_directory) throw_file_error(why.value(), "remove", path);
}

std::vector<std::string> versions(const std::string& table_folder) {
  std::vector<std::string> names;
  std::error_code why;
  for (fs::directory_iterator entry(table_folder, why), end; !why && entry != end; entry.increment(why)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("v-")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace pulk::files
