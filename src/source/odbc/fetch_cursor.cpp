#include "source/odbc/fetch_cursor.h"

#include <algorithm>

#include "base/error.h"

namespace pulk::odbc {
namespace {

constexpr std::int64_t kFetchBytes = 1 << 20;
constexpr std::int64_t kFirstRows = 64;
constexpr std::int64_t kMostRows = 8192;
constexpr const char* kName = "pulk_rows";

}  // namespace

FetchCursor::FetchCursor(Connection& connection, const std::string& select) : connection_(connection) {
  connection_.execute("DECLARE " + std::string(kName) + " NO SCROLL CURSOR FOR " + select);
}

FetchCursor::~FetchCursor() {
  try {
    connection_.execute("CLOSE " + std::string(kName));
  } catch (const Error&) {
    // The transaction has failed, and the cursor with it.
  }
}

std::string FetchCursor::next() {
  if (rows_ < asked_) return "";
  const std::int64_t mean = rows_ == 0 ? 0 : bytes_ / rows_ + 1;
  asked_ = mean == 0 ? kFirstRows : std::clamp<std::int64_t>(kFetchBytes / mean, 1, std::min(kMostRows, asked_ * 8));
  rows_ = 0;
  bytes_ = 0;
  return "FETCH FORWARD " + std::to_string(asked_) + " FROM " + kName;
}

void FetchCursor::count(std::int64_t bytes) {
  ++rows_;
  bytes_ += bytes;
}

}  // namespace pulk::odbc
