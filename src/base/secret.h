// A value that must show nowhere (I4): it has no operator<<, no formatter and no conversion; reveal() is the one way to
// it and is easy to search for. The memory is wiped when it goes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace pulk {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view value) : value_(value) {}
  // `origin` gives the value as it is now: behind a reference it may be rotated while the process runs.
  Secret(std::string_view value, std::function<std::string()> origin)
      : value_(value), origin_(std::make_shared<const std::function<std::string()>>(std::move(origin))) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&&) = default;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  // Asks the origin; the same value when there is none. Throws what the origin throws.
  Secret newest() const;

 private:
  void wipe();
  std::string value_;
  std::shared_ptr<const std::function<std::string()>> origin_;
};

}  // namespace pulk
