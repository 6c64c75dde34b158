#include <algorithm>
#include <utility>
#include <vector>

#include "config/document.h"

namespace pulk {
namespace {

using nlohmann::json;

// Deep enough for any workflow; a bound so that nobody's recursion has to fear the input.
constexpr std::size_t kMaxDepth = 64;

// "line:column" of a byte offset, both from 1; columns count characters, as editors do.
std::string line_and_column(const std::string& text, std::size_t offset) {
  offset = std::min(offset, text.size());
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      ++column;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

// Builds the value itself, because the library's own builder keeps the last of two equal keys without a word.
class Builder : public nlohmann::json_sax<json> {
 public:
  Builder(const std::string& text, const std::string& file, Problems& problems)
      : text_(text), file_(file), problems_(problems) {}

  json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // not a JSON event

  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Frame& frame = stack_.back();
    if (frame.value->contains(name)) {
      problems_.add(where_of(file_, path_of(path(), name)), "the key is there twice", "remove one of the two");
    }
    frame.key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& last_token, const json::exception& problem) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ...": the start is ours.
    std::string what = problem.what();
    if (const auto colon = what.find(": "); colon != std::string::npos) what.erase(0, colon + 2);
    std::size_t offset = position == 0 ? 0 : position - 1;
    // A whole token in the wrong place is shown at its start, a broken one at the character that breaks it.
    if (what.find("unexpected end of input") != std::string::npos) {
      throw Error(ErrorKind::usage, what, file_ + ":" + line_and_column(text_, text_.size()));
    }
    // Of a brace, a bracket, a comma or a colon the library's last token begins with what stands before it.
    const bool whole_token =
        what.find("unexpected") != std::string::npos && what.find("unexpected '") == std::string::npos;
    if (whole_token && last_token.find("<U+") == std::string::npos && last_token.size() <= position) {
      offset = position - last_token.size();
    }
    throw Error(ErrorKind::usage, what, file_ + ":" + line_and_column(text_, offset));
  }

 private:
  struct Frame {
    json* value;
    std::string key;
  };

  std::string path() const {
    std::string path;
    for (std::size_t i = 0; i + 1 < stack_.size(); ++i) {
      const Frame& frame = stack_[i];
      path = frame.value->is_array() ? path_of(path, frame.value->size() - 1) : path_of(path, frame.key);
    }
    return path;
  }

  json* attach(json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Frame& frame = stack_.back();
    if (frame.value->is_array()) {
      frame.value->push_back(std::move(value));
      return &frame.value->back();
    }
    json& place = (*frame.value)[frame.key];
    place = std::move(value);
    return &place;
  }

  bool put(json value) {
    attach(std::move(value));
    return true;
  }

  bool open(json value) {
    if (stack_.size() >= kMaxDepth) {
      throw Error(ErrorKind::usage, "objects and lists are nested more than " + std::to_string(kMaxDepth) + " deep",
                  where_of(file_, path()));
    }
    stack_.push_back({attach(std::move(value)), ""});
    return true;
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  const std::string& text_;
  const std::string& file_;
  Problems& problems_;
  json root_;
  std::vector<Frame> stack_;
};

}  // namespace

json parse_json(const std::string& text, const std::string& file, Problems& problems) {
  Builder builder(text, file, problems);
  json::sax_parse(text, &builder);
  return builder.take();
}

}  // namespace pulk
