#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "importer/bad_rows.h"
#include "importer/text_file.h"
#include "importer/text_rows.h"

namespace pulk {
namespace {

using nlohmann::json;

struct Value {
  std::string text;
  bool there = false, null = false, string = false;
};

// Takes one object apart as the parser comes across its parts, so that numbers keep their digits.
class Members {
 public:
  Members(std::vector<std::string>& names, std::map<std::string, std::size_t, std::less<>>& numbers)
      : names_(names), numbers_(numbers) {}

  std::vector<Value> values;
  std::string problem;

  void begin() {
    for (Value& value : values) value = {};
    problem.clear();
    depth_ = 0;
    current_ = nullptr;
  }

  // The parser's interface.
  bool null() { return scalar("null", true, false); }
  bool boolean(bool value) { return scalar(value ? "true" : "false", false, false); }
  bool number_integer(std::int64_t value) { return scalar(std::to_string(value), false, false); }
  bool number_unsigned(std::uint64_t value) { return scalar(std::to_string(value), false, false); }
  bool number_float(double, const std::string& written) { return scalar(written, false, false); }
  bool string(std::string& value) {
    return depth_ == 1 ? scalar(value, false, true) : scalar(json(value).dump(), false, false);
  }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open('{'); }
  bool end_object() { return close('}'); }
  bool start_array(std::size_t) { return open('['); }
  bool end_array() { return close(']'); }
  bool key(std::string& name) {
    if (depth_ > 1) {
      comma();
      current_->text += json(name).dump() + ":";
      first_ = true;  // of what follows the colon
      return true;
    }
    const auto [found, fresh] = numbers_.try_emplace(name, names_.size());
    if (fresh) names_.push_back(name);
    if (values.size() < names_.size()) values.resize(names_.size());
    current_ = &values[found->second];
    column_ = name;
    if (current_->there) return stop("names " + json(name).dump() + " twice");
    current_->there = true;
    return true;
  }
  bool parse_error(std::size_t position, const std::string& token, const json::exception& error) {
    // The parser keeps no number that a double does not hold.
    constexpr int kOutOfRange = 406;
    if (error.id == kOutOfRange && depth_ > 0)
      return stop("column " + column_ + ": " + shown_value(token) + " is out of the range of a double");
    return stop("is no JSON (at byte " + std::to_string(position) + ")");
  }

 private:
  bool stop(std::string why) {
    if (problem.empty()) problem = std::move(why);
    return false;
  }
  bool no_object() { return stop("is no object; write one object on each line, as jq -c '.[]' does of an array"); }
  void comma() {
    if (!first_) current_->text += ',';
    first_ = false;
  }
  bool scalar(const std::string& text, bool is_null, bool is_string) {
    if (depth_ == 0) return no_object();
    if (depth_ == 1) {
      current_->null = is_null;
      current_->string = is_string;
      current_->text = text;
      return true;
    }
    comma();
    current_->text += text;
    return true;
  }
  bool open(char bracket) {
    if (depth_ == 0) {
      if (bracket != '{') return no_object();
    } else {
      if (depth_ > 1) comma();
      current_->text += bracket;
      first_ = true;
    }
    ++depth_;
    return true;
  }
  bool close(char bracket) {
    --depth_;
    if (depth_ == 0) return true;
    current_->text += bracket;
    first_ = false;
    return true;
  }

  std::vector<std::string>& names_;
  std::map<std::string, std::size_t, std::less<>>& numbers_;
  int depth_ = 0;
  bool first_ = true;
  Value* current_ = nullptr;
  std::string column_;  // of `current_`
};

class JsonRows : public TextRows {
 public:
  explicit JsonRows(const std::string& path) : input_(path), members_(names_, numbers_) {}

  const std::vector<std::string>& names() const override { return names_; }

  bool next(TextRow& row) override {
    std::string_view text;
    do {
      if (!read(text)) return false;
      row.line = line_++;
    } while (trim(text).empty());
    row.cells.clear();
    members_.begin();
    const bool whole = json::sax_parse(text.begin(), text.end(), &members_);
    row.problem = members_.problem;
    if (!whole && row.problem.empty()) row.problem = "is no JSON";
    if (!row.problem.empty()) return true;
    for (const Value& value : members_.values)
      row.cells.push_back({value.text, !value.there || value.null, value.string});
    return true;
  }

 private:
  bool read(std::string_view& line) {
    input_.use_up(std::exchange(used_, 0));
    std::size_t looked = 0;
    while (true) {
      const void* found = std::memchr(input_.data() + looked, '\n', input_.size() - looked);
      if (found != nullptr) {
        const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - input_.data());
        line = {input_.data(), length};
        used_ = length + 1;
        return true;
      }
      looked = input_.size();
      if (input_.more()) continue;
      line = {input_.data(), input_.size()};
      used_ = line.size();
      return !line.empty();
    }
  }

  TextInput input_;
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> numbers_;
  Members members_;
  std::size_t used_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace

std::unique_ptr<TextRows> open_json_lines(const std::string& path) { return std::make_unique<JsonRows>(path); }

}  // namespace pulk
