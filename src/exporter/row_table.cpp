#include "exporter/row_table.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "exporter/cell_text.h"

namespace pulk {
namespace {

constexpr std::string_view kNull = "NULL";

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

// Control characters, C1 ones too: they move a terminal's cursor, or worse.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (c < 0x20 || c == 0x7F)
      out += fmt::format("\\x{:02x}", c);
    else if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0)
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[++i]));
    else
      out += text[i];
  }
  return out;
}

std::vector<std::string> headings(const arrow::Schema& schema) {
  std::vector<std::string> names;
  for (const auto& field : schema.fields()) {
    const bool number = arrow::is_integer(field->type()->id()) || arrow::is_floating(field->type()->id()) ||
                        arrow::is_decimal(field->type()->id());
    names.push_back((number ? ">" : "") + escaped(field->name()));
  }
  return names;
}

}  // namespace

RowTable::RowTable(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)), table_(headings(*schema_)) {}

std::string RowTable::shown(std::string_view text) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!continues(text[i]) && ++characters > kLongestCell) {
      cut_ = true;
      return escaped(text.substr(0, i)) + "...";
    }
  }
  return escaped(text);
}

void RowTable::add(const arrow::RecordBatch& batch) {
  std::vector<std::unique_ptr<CellText>> columns;
  for (int i = 0; i < batch.num_columns(); ++i) columns.push_back(cell_text(*schema_->field(i), batch.column(i), ' '));
  std::string text;
  for (std::int64_t row = 0; row < batch.num_rows(); ++row, ++rows_) {
    std::vector<std::string> cells;
    for (const auto& column : columns) {
      if (column->null(row)) {
        cells.emplace_back(kNull);
        continue;
      }
      text.clear();
      column->append(row, text);
      const bool quoted = column->kind() == CellKind::text && (text.empty() || text == kNull);
      cells.push_back(quoted ? "'" + text + "'" : shown(text));
    }
    table_.add(std::move(cells));
  }
}

}  // namespace pulk
