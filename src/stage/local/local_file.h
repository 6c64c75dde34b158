// One file of a local stage while it is written, and what else is needed to write to local disks durably. Used by
// local_stage.cpp and by targets that are folders themselves.
#pragma once

#include <memory>
#include <string>

#include "stage/stage.h"

namespace pulk {

// Creates `folder`/`name` under a temporary name.
std::unique_ptr<OutputFile> create_local_file(const std::string& folder, const std::string& name);
// Who may read what is made: the owner alone, or whom the process's umask allows.
enum class LocalAccess { owner, umask };

// The same, and says what the temporary name is.
std::unique_ptr<OutputFile> create_local_file(const std::string& folder, const std::string& name,
                                              const std::string& partial, LocalAccess access = LocalAccess::owner);

// Temporary files of writers that died carry this ending.
inline constexpr const char* kPartialSuffix = ".partial";

// Throws the Error for a failed system call on `path`; a full disk is retryable and tells how much room is left.
[[noreturn]] void throw_file_error(int error_number, const std::string& doing, const std::string& path);

// Makes the entries of a folder durable.
void sync_folder(const std::string& folder);

// Creates what is missing of the path, by default 0700: the files below hold tables' content. Each new entry is made durable in
// its parent, else a power failure could take away a folder whose files were synced.
void make_folders(const std::string& folder, LocalAccess access = LocalAccess::owner);

}  // namespace pulk
