#include "cli/bytes_flag.h"

#include <CLI/CLI.hpp>

#include "base/strings.h"

namespace pulk {

void add_bytes(CLI::App& app, const std::string& name, std::int64_t& target, const std::string& about,
               std::int64_t smallest) {
  app.add_option_function<std::string>(
         name,
         [&target, name, smallest](const std::string& text) {
           const auto bytes = parse_bytes(text);
           if (!bytes) throw CLI::ValidationError(name, "\"" + text + "\" is no amount of bytes, like 512MiB or 2GB");
           if (*bytes < smallest) throw CLI::ValidationError(name, "must be at least " + format_bytes(smallest));
           target = *bytes;
         },
         about)
      ->type_name("BYTES")
      ->default_str(format_bytes(target));
}

}  // namespace pulk
