// A `.env` file, read as python-dotenv 1.2 reads it (dotenv/parser.py, variables.py, main.py), whose files people have:
// comments, `export`, single and double quotes with their escapes, values over several lines, `${NAME}` and
// `${NAME:-default}`. Variables that are set in the environment win, in what a name means and in what `${NAME}` gives.
//
// Values are secrets as a rule: no message repeats any text of the file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pulk {

struct Dotenv {
  std::vector<std::pair<std::string, std::string>> values;  // in the order of the file; a name may be there twice
  std::vector<int> bad_lines;  // where something begins that is no NAME=VALUE: it is skipped
};

// `outside` is the environment: nothing for a variable that is not set. A pure function.
Dotenv parse_dotenv(std::string_view text,
                    const std::function<std::optional<std::string>(const std::string& name)>& outside);

// The file `.env` in the current folder or in the nearest one above it; "" when there is none.
std::string find_dotenv();

// Sets what the file says and the environment does not. To be called before there are threads. Gives warnings, for
// people. Throws Error(usage) when the file cannot be read.
std::vector<std::string> load_dotenv(const std::string& path);

}  // namespace pulk
