// Reads a JSON or YAML file into one JSON value, with exact positions for syntax errors and without losing duplicate
// keys. Called by load_workflow and load_export_file only.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace pulk {

// "tables[1]" + "source" -> "tables[1].source"; names that are no plain words are written ["a b"].
std::string path_of(std::string_view parent, std::string_view key);
std::string path_of(std::string_view parent, std::size_t index);
// "orders.json:tables[1]", or "orders.json" for the document itself.
std::string where_of(std::string_view file, std::string_view path);

// Chosen by the ending: .yaml and .yml are YAML, all else is JSON. Throws Error(usage) when the file cannot be read or
// is not well-formed ("orders.json:3:14"); duplicate keys go to `problems`, the last value is kept.
// `format` is what `pulk schema` calls the file's kind.
nlohmann::json read_document(const std::string& path, const std::string& format, Problems& problems);

// The parts for text that is already in memory.
nlohmann::json parse_json(const std::string& text, const std::string& file, Problems& problems);
nlohmann::json parse_yaml(const std::string& text, const std::string& file, Problems& problems);

}  // namespace pulk
