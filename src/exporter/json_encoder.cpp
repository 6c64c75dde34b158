#include <arrow/api.h>

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
    bool quoted = false;
    for (std::size_t at = 0; at < json.size(); ++at) {
      const char c = json[at];
      if (quoted) {
        out += c;
        if (c == '\\' && at + 1 < json.size()) out += json[++at];
        if (c == '"') quoted = false;
      } else if (c != '\n' && c != '\r' && c != ' ' && c != '\t') {
        out += c;
        quoted = c == '"';
      }
    }
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
