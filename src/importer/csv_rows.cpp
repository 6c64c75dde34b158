#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "importer/text_file.h"
#include "importer/text_rows.h"

namespace pulk {
namespace {

class CsvRows : public TextRows {
 public:
  CsvRows(const std::string& path, const CsvInput& options, std::vector<std::string> columns)
      : options_(options), input_(path), names_(std::move(columns)) {
    if (!options_.header) return;
    names_.clear();
    TextRow header;
    if (!read(header))
      throw Error(ErrorKind::usage, "is empty: there is no line with the names of columns", path,
                  "add --no-header when the first line is a row");
    if (!header.problem.empty()) throw Error(ErrorKind::usage, header.problem, path + ":1");
    for (const Field& field : fields_) names_.emplace_back(text_of(field));
  }

  const std::vector<std::string>& names() const override { return names_; }

  bool next(TextRow& row) override {
    do {
      if (!read(row)) return false;
    } while (names_.size() > 1 && fields_.size() == 1 && fields_[0].size() == 0 && !fields_[0].quoted);
    row.cells.clear();
    if (row.problem.empty() && fields_.size() != names_.size())
      row.problem = "has " + plural(static_cast<std::int64_t>(fields_.size()), "field") + " where " +
                    std::to_string(names_.size()) + " are expected";
    if (!row.problem.empty()) return true;
    for (const Field& field : fields_) {
      const std::string_view text = text_of(field);
      row.cells.push_back({text, !field.quoted && text == options_.null_text});
    }
    return true;
  }

 private:
  struct Field {
    std::size_t begin = 0, end = 0;  // from the row's beginning
    bool quoted = false;
    bool doubled = false;  // has quotes that stand for one
    std::size_t size() const { return end - begin; }
  };
  enum class In { beginning, bare, quotes, behind };

  // Finds the fields of the next row; they stay where they are until the next call.
  bool read(TextRow& row) {
    input_.use_up(std::exchange(row_bytes_, 0));
    fields_.clear();
    row.line = line_;
    row.problem.clear();
    Field field;
    In in = In::beginning;
    std::size_t at = 0;
    const auto end_field = [&](std::size_t end) {
      if (in != In::behind) field.end = end;
      fields_.push_back(std::exchange(field, Field{end + 1, end + 1}));
      in = In::beginning;
    };
    while (true) {
      if (at == input_.size() && !input_.more()) {
        if (at == 0) return false;
        if (in == In::quotes) row.problem = "a quote is not closed";
        end_field(at);
        row_bytes_ = at;
        break;
      }
      const char* const data = input_.data();
      const char c = data[at];
      if (in == In::quotes) {
        const auto* quote = static_cast<const char*>(std::memchr(data + at, '"', input_.size() - at));
        if (quote == nullptr) {
          at = input_.size();
          continue;
        }
        field.end = static_cast<std::size_t>(quote - data);
        at = field.end + 1;
        in = In::behind;
        continue;
      }
      if (in == In::beginning && c == '"') {
        field.begin = at + 1;
        field.quoted = true;
        in = In::quotes;
      } else if (in == In::behind && c == '"' && at == field.end + 1) {
        field.doubled = true;
        in = In::quotes;
      } else if (c == options_.delimiter) {
        end_field(at);
      } else if (c == '\n') {
        const bool carriage = in != In::behind && at > field.begin && data[at - 1] == '\r';
        end_field(carriage ? at - 1 : at);
        row_bytes_ = at + 1;
        break;
      } else if (in == In::behind) {
        if (c != '\r') row.problem = "there is text behind a quote that closes a field";
      } else {
        in = In::bare;
      }
      ++at;
    }
    const std::string_view text(input_.data(), row_bytes_);
    line_ += std::count(text.begin(), text.end(), '\n');
    if (row.problem.empty() && !valid_utf8(text)) row.problem = "is not UTF-8";
    return true;
  }

  // Doubled quotes are undone in place: the row is not looked at again.
  std::string_view text_of(const Field& field) {
    char* const text = input_.data() + field.begin;
    if (!field.doubled) return {text, field.size()};
    std::size_t to = 0;
    for (std::size_t from = 0; from < field.size(); ++from) {
      text[to++] = text[from];
      if (text[from] == '"') ++from;
    }
    return {text, to};
  }

  const CsvInput options_;
  TextInput input_;
  std::vector<std::string> names_;
  std::vector<Field> fields_;
  std::size_t row_bytes_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace

std::unique_ptr<TextRows> open_csv(const std::string& path, const CsvInput& options,
                                   const std::vector<std::string>& columns) {
  return std::make_unique<CsvRows>(path, options, columns);
}

}  // namespace pulk
