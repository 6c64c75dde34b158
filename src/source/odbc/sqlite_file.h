// The state of a SQLite database file, by which two moments are proven to have the same content.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pulk::odbc {

struct SqliteFileState {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::uint32_t change_counter = 0;
  std::uint32_t schema_cookie = 0;
};

// To be read while a connection holds a read transaction, so that no writer is half through. Empty when the file cannot
// be read. Thread-safe.
std::optional<SqliteFileState> read_file_state(const std::string& path);

}  // namespace pulk::odbc
