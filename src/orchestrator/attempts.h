// Several looks before the first complaint. Header only.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "base/error.h"

namespace pulk {

// Looks at several things before any of them is complained about, so that one look mends all.
class Attempts {
 public:
  template <typename Work>
  void operator()(const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      wrong_ = wrong_ ? Error(std::min(wrong_->kind(), error.kind()), std::string(wrong_->what()) + "\n" + error.what())
                      : error;
    }
  }
  void throw_if_any() const {
    if (wrong_) throw *wrong_;
  }

 private:
  std::optional<Error> wrong_;
};

}  // namespace pulk
