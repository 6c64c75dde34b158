// Parts of SELECT statements that every SQL dialect writes alike. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pulk {

// " WHERE (a) AND (b)", "" when all are empty. Every condition ends in a newline: a user's may end in a comment.
std::string where_clause(const std::vector<std::string>& conditions);

// A query of the user's without trailing blanks and semicolons.
std::string bare_query(std::string_view query);

}  // namespace pulk
