// References to values that are kept outside a configuration file: "env:NAME", "file:PATH" and
// "vault:PATH#KEY[@VERSION]" (see vault.h). Called while the connections file is read. Thread-safe as long as nobody
// calls setenv.
#pragma once

#include <string>
#include <string_view>

namespace pulk {

// The value behind a reference; text that is no reference is returned as it is. file: gives the content without one
// trailing newline. Throws Error(usage) for a missing variable or file, and what Vault::read() throws; all name the
// reference, never a value (I4).
std::string resolve_reference(std::string_view text);

// The same, asked again whatever was read before. Of a version of a secret in Vault that is named (@2), the newest one.
std::string resolve_reference_anew(std::string_view text);

class Vault;
// That of this process: one login for all references. Throws Error(usage) with everything that the environment lacks.
Vault& the_vault();

}  // namespace pulk
