// What is wrong with the rows of files, as many findings as a person wants to see at once. Belongs to one thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace pulk {

class BadRows {
 public:
  // `where` is "file:line" or "file: row n". Throws all findings, Error(refused), when there are enough of them.
  void add(const std::string& where, const std::string& column, const std::string& what);
  void throw_if_any() const { problems_.throw_if_any(ErrorKind::refused); }

 private:
  Problems problems_;
};

// A value as a message shows it: in quotes, not too long.
std::string shown_value(std::string_view value);

}  // namespace pulk
