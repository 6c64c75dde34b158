// Columns of text for the terminal: widths by content (display width of UTF-8 is taken as its number of code points).
#pragma once

#include <string>
#include <vector>

namespace pulk {

class TextTable {
 public:
  // A heading that starts with '>' is right-aligned, its column too.
  explicit TextTable(std::vector<std::string> headings);
  void add(std::vector<std::string> row);
  std::string render(const std::string& indent = "") const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace pulk
