#include <arrow/api.h>

#include <array>
#include <utility>
#include <vector>

#include "exporter/cell_text.h"
#include "exporter/text_encoders.h"

namespace pulk {
namespace {

class CsvEncoder : public TextEncoder {
 public:
  CsvEncoder(const CsvOptions& options, std::shared_ptr<arrow::Schema> schema)
      : options_(options), schema_(std::move(schema)) {
    for (const char c : {options_.delimiter, options_.quote, '\n', '\r'})
      special_[static_cast<unsigned char>(c)] = true;
  }

  void begin(std::string& out) override {
    if (!options_.header) return;
    for (int i = 0; i < schema_->num_fields(); ++i) {
      if (i > 0) out += options_.delimiter;
      append_text(schema_->field(i)->name(), out);
    }
    out += options_.line_end;
  }

  void encode(const arrow::RecordBatch& batch, std::string& out) override {
    std::vector<std::unique_ptr<CellText>> columns;
    for (int i = 0; i < batch.num_columns(); ++i)
      columns.push_back(cell_text(*schema_->field(i), batch.column(i), ' '));
    for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i > 0) out += options_.delimiter;
        append(*columns[i], row, out);
      }
      out += options_.line_end;
    }
  }

  void end(std::string&) override {}

 private:
  void append(const CellText& column, std::int64_t row, std::string& out) const {
    if (column.null(row)) {
      // An empty line is no row to most readers.
      if (options_.null_text.empty() && schema_->num_fields() == 1)
        append_text("", out);
      else
        out += options_.null_text;
      return;
    }
    if (column.kind() == CellKind::text || column.kind() == CellKind::json) {
      append_text(column.view(row), out);
      return;
    }
    if (options_.quote_all) out += options_.quote;
    const std::size_t start = out.size();
    column.append(row, out);
    // A date has dashes and a number may have a point, and one of them may be the delimiter or the null text.
    if (options_.quote_all)
      out += options_.quote;
    else if (needs_quotes(std::string_view(out).substr(start)))
      out.insert(start, 1, options_.quote) += options_.quote;
  }

  bool needs_quotes(std::string_view text) const {
    if (text.empty() || text == options_.null_text || text.front() == ' ' || text.back() == ' ') return true;
    for (const char c : text)
      if (special_[static_cast<unsigned char>(c)]) return true;
    return false;
  }

  void append_text(std::string_view text, std::string& out) const {
    if (!options_.quote_all && !needs_quotes(text)) {
      out += text;
      return;
    }
    out += options_.quote;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t quote = text.find(options_.quote, at);
      if (quote == std::string_view::npos) {
        out += text.substr(at);
        break;
      }
      out += text.substr(at, quote - at + 1);
      out += options_.quote;
      at = quote + 1;
    }
    out += options_.quote;
  }

  const CsvOptions options_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::array<bool, 256> special_{};
};

}  // namespace

std::unique_ptr<TextEncoder> make_csv_encoder(const CsvOptions& options, std::shared_ptr<arrow::Schema> schema) {
  return std::make_unique<CsvEncoder>(options, std::move(schema));
}

}  // namespace pulk
