// Where things are in a folder of files, and the few ways in which they change. Used by files_session and
// files_warehouse.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/identifier.h"

namespace pulk::files {

// A name as a folder's: "/", ".", "%" and control characters become %XX; the end of a name that is too long for a file
// system is replaced by a hash.
std::string folder_name(const std::string& name);

std::string marks_path(const std::string& root);
std::string table_folder(const std::string& root, const QualifiedName& table);
std::string version_name(const std::string& run);
std::string version_folder(const std::string& root, const QualifiedName& table, const std::string& run);

// Where a run's files wait until they are loaded: on the same file system, so that loading is a link. Out of readers' sight.
std::string stage_folder(const std::string& root, const QualifiedName& table, const std::string& run);
void remove_stage(const std::string& root, const QualifiedName& table, const std::string& run);

// The version that `current` names; empty when there is none.
std::optional<std::string> current_version(const std::string& table_folder);
// Makes `current` name this version by one rename, and makes that durable.
void make_current(const std::string& table_folder, const std::string& version);

// Writes a file whole: temporary name, fsync, rename, fsync of the folder.
void write_durably(const std::string& path, const std::string& content);
void remove_tree(const std::string& path);  // fine when it is not there
std::vector<std::string> versions(const std::string& table_folder);

}  // namespace pulk::files
