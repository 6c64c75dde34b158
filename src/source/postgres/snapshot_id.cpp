#include "source/postgres/snapshot_id.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

namespace pulk::postgres {
namespace {

std::optional<std::int64_t> number_at(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool ends_well = end != text.data() + text.size() && *end == ':';
  return code == std::errc() && ends_well && value >= 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string SnapshotId::to_text() const {
  const nlohmann::json json = {{"system", system},     {"timeline", timeline}, {"database", database},
                               {"snapshot", snapshot}, {"time", time},         {"storage", storage}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<SnapshotId> SnapshotId::parse(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    SnapshotId id;
    json.at("system").get_to(id.system);
    json.at("timeline").get_to(id.timeline);
    json.at("database").get_to(id.database);
    json.at("snapshot").get_to(id.snapshot);
    json.at("time").get_to(id.time);
    json.at("storage").get_to(id.storage);
    return id;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // of another source, or of a version to come
  }
}

std::optional<std::int64_t> SnapshotId::xmin() const { return number_at(snapshot); }

std::optional<std::int64_t> SnapshotId::xmax() const {
  const std::size_t colon = snapshot.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return number_at(std::string_view(snapshot).substr(colon + 1));
}

}  // namespace pulk::postgres
