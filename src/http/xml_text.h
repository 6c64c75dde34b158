// Reads the flat XML documents that AWS answers with. Not a parser: no attributes, comments or CDATA, which these
// documents do not have. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pulk {

// The content of the first <tag>, entities resolved; "" when there is none.
std::string xml_text(std::string_view document, std::string_view tag);

// The raw content of every <tag>, in order.
std::vector<std::string_view> xml_elements(std::string_view document, std::string_view tag);

std::string xml_escaped(std::string_view text);

}  // namespace pulk
