// Types that travel as the text which the server prints for them: they have no carrier of their own, and what their
// output functions write under the settings of Session::begin() is exact. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "source/postgres/types.h"

namespace pulk::postgres {

// Built-in types without a rule of their own whose text tells every value.
bool is_printed(std::uint32_t type);

// Types whose value is the number of an object, and whose text is its name under the session's search_path.
bool names_an_object(std::uint32_t type);

// Types of extensions, as "extension.type".
bool is_known_extension_type(const std::string& extension_type);
bool is_citext(const CatalogColumn& column);

// Why the printed text of the column would not be exact, or cannot be known to be; empty when it is exact.
struct Doubt {
  std::string why;
  bool may_be_asked_for = true;  // by a mapping to text; false where the text would be a wrong one
};
std::optional<Doubt> doubt_about_print(const CatalogColumn& column);

// The text of a value as in the server's own COPY, NULL for NULL.
std::string printed_expression(const std::string& quoted_column);

}  // namespace pulk::postgres
