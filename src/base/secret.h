// A value that must show nowhere (I4): it has no operator<<, no formatter and no conversion; reveal() is the one way to
// it and is easy to search for. The memory is wiped when it goes.
#pragma once

#include <string>
#include <string_view>

namespace pulk {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view value) : value_(value) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&&) = default;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  void wipe();
  std::string value_;
};

}  // namespace pulk
