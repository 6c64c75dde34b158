#include <arrow/api.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "exporter/cell_text.h"
#include "exporter/text_encoders.h"

namespace pulk {
namespace {

// Of each byte: 0 when it stands for itself, 'u' for \u00XX, else the letter behind the backslash.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> all{};
  for (std::size_t c = 0; c < 0x20; ++c) all[c] = 'u';
  all['\b'] = 'b';
  all['\f'] = 'f';
  all['\n'] = 'n';
  all['\r'] = 'r';
  all['\t'] = 't';
  all['"'] = '"';
  all['\\'] = '\\';
  return all;
}();

void append_string(std::string_view text, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  std::size_t from = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const char escape = kEscapes[byte];
    if (escape == 0) continue;
    out += text.substr(from, at - from);
    from = at + 1;
    out += '\\';
    out += escape;
    if (escape == 'u') {
      out += "00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  out += text.substr(from);
  out += '"';
}

constexpr std::string_view kBetween = " \t\r\n{}[]:,\"";

class JsonEncoder : public TextEncoder {
 public:
  JsonEncoder(bool array, std::shared_ptr<arrow::Schema> schema) : array_(array), schema_(std::move(schema)) {
    for (int i = 0; i < schema_->num_fields(); ++i) {
      std::string key = i == 0 ? "{" : ",";
      append_string(schema_->field(i)->name(), key);
      keys_.push_back(key + ":");
    }
  }

  void begin(std::string& out) override {
    if (array_) out += "[";
  }

  void encode(const arrow::RecordBatch& batch, std::string& out) override {
    std::vector<std::unique_ptr<CellText>> columns;
    for (int i = 0; i < batch.num_columns(); ++i)
      columns.push_back(cell_text(*schema_->field(i), batch.column(i), 'T'));
    for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
      if (array_) out += std::exchange(first_, false) ? "\n" : ",\n";
      for (std::size_t i = 0; i < columns.size(); ++i) {
        out += keys_[i];
        append(*columns[i], row, out);
      }
      out += columns.empty() ? "{}" : "}";
      if (!array_) out += '\n';
    }
  }

  void end(std::string& out) override {
    if (array_) out += "\n]\n";
  }

 private:
  static void append(const CellText& column, std::int64_t row, std::string& out) {
    if (column.null(row)) {
      out += "null";
      return;
    }
    switch (column.kind()) {
      case CellKind::text:
        append_string(column.view(row), out);
        return;
      case CellKind::json:
        append_on_one_line(column.view(row), out);
        return;
      case CellKind::number:
        column.append(row, out);
        return;
      case CellKind::real:
        if (column.finite(row)) {
          column.append(row, out);
          return;
        }
        break;
      case CellKind::plain:
        break;
    }
    out += '"';
    column.append(row, out);
    out += '"';
  }

  // Snowflake writes VARIANT over several lines. A line end within a JSON string is escaped, so those that there are
  // mean nothing.
  static void append_on_one_line(std::string_view json, std::string& out) {
    for (std::size_t at = 0; at < json.size();) {
      const char c = json[at];
      std::size_t end = at + 1;
      if (c == '"') {
        while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
        end = std::min(end + 1, json.size());
        out += json.substr(at, end - at);
      } else if (kBetween.find(c) == std::string_view::npos) {
        end = std::min(json.find_first_of(kBetween, at), json.size());
        append_bare(json.substr(at, end - at), out);
      } else if (c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ',') {
        out += c;
      }
      at = end;
    }
  }

  // Snowflake's documents have words that JSON has not: "undefined" where an array has a gap, and what is not finite.
  static void append_bare(std::string_view word, std::string& out) {
    if (word == "undefined")
      out += "null";
    else if (word == "true" || word == "false" || word == "null" || word.find_first_of("0123456789") != word.npos)
      out += word;
    else
      append_string(word, out);
  }

  const bool array_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::string> keys_;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<TextEncoder> make_json_encoder(bool array, std::shared_ptr<arrow::Schema> schema) {
  return std::make_unique<JsonEncoder>(array, std::move(schema));
}

}  // namespace pulk
