#include <arrow/api.h>

#include <utility>

#include "base/error.h"
#include "catalog/arrow_schema.h"
#include "importer/column_names.h"
#include "importer/file_batches.h"
#include "importer/text_column.h"

namespace pulk {
namespace {

constexpr std::int64_t kMostRows = 8192, kMostBytes = 2 << 20;

class TextBatches : public FileBatches {
 public:
  TextBatches(std::unique_ptr<TextRows> rows, const std::string& path, const std::vector<ColumnPlan>& columns,
              BadRows& bad, SeenColumns* seen, arrow::MemoryPool* pool)
      : rows_(std::move(rows)), path_(path), columns_(columns), bad_(bad), seen_(seen), schema_(arrow_schema(columns)) {
    for (const ColumnPlan& column : columns_) {
      makers_.push_back(make_text_column(column, *snowflake::parse_type(column.target_type), pool));
      names_.push_back(column.target_name);
    }
    taken_.resize(columns_.size());
  }

  std::shared_ptr<arrow::RecordBatch> next() override {
    std::int64_t rows = 0, bytes = 0;
    while (rows < kMostRows && bytes < kMostBytes && rows_->next(row_)) {
      take_row();
      ++rows;
      bytes = 0;
      for (const auto& maker : makers_) bytes += maker->bytes();
    }
    if (rows == 0) return nullptr;
    arrow::ArrayVector arrays;
    for (const auto& maker : makers_) arrays.push_back(maker->finish());
    return arrow::RecordBatch::Make(schema_, rows, std::move(arrays));
  }

 private:
  void take_row() {
    const std::string where = path_ + ":" + std::to_string(row_.line);
    if (!row_.problem.empty()) bad_.add(where, "", row_.problem);
    place_new_names(where);
    taken_.assign(columns_.size(), nullptr);
    for (std::size_t i = 0; i < row_.cells.size(); ++i) {
      if (places_[i] < 0) continue;
      const TextCell*& cell = taken_[static_cast<std::size_t>(places_[i])];
      // Of names that are alike but for their case at most one has a value in a row.
      if (cell == nullptr || cell->null)
        cell = &row_.cells[i];
      else if (!row_.cells[i].null)
        bad_.add(where, names_[static_cast<std::size_t>(places_[i])],
                 "has two values, under names that differ in case");
    }
    for (std::size_t i = 0; i < makers_.size(); ++i) {
      const TextCell& cell = taken_[i] != nullptr ? *taken_[i] : kNothing;
      const std::string why = makers_[i]->take(cell);
      // A row that is none has said what is wrong with it.
      if (why.empty() || !row_.problem.empty()) continue;
      bad_.add(where, columns_[i].target_name, cell.null ? why : shown_value(cell.text) + " " + why);
    }
  }

  void place_new_names(const std::string& where) {
    for (std::size_t i = places_.size(); i < rows_->names().size(); ++i) {
      places_.push_back(find_column(names_, rows_->names()[i]));
      if (places_.back() < 0) {
        const NoColumn none = no_column(names_, rows_->names()[i]);
        bad_.add(where, "", none.what + (none.hint.empty() ? "" : "; " + none.hint));
      } else if (seen_ != nullptr) {
        (*seen_)[static_cast<std::size_t>(places_.back())] = true;
      }
    }
  }

  static constexpr TextCell kNothing{};

  const std::unique_ptr<TextRows> rows_;
  const std::string path_;
  const std::vector<ColumnPlan>& columns_;
  BadRows& bad_;
  SeenColumns* const seen_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<TextColumn>> makers_;
  std::vector<std::string> names_;
  std::vector<int> places_;             // of the file's names among the columns
  std::vector<const TextCell*> taken_;  // of a row, by column
  TextRow row_;
};

}  // namespace

std::unique_ptr<FileBatches> text_batches(std::unique_ptr<TextRows> rows, const std::string& path,
                                          const std::vector<ColumnPlan>& columns, BadRows& bad, SeenColumns* seen,
                                          arrow::MemoryPool* pool) {
  return std::make_unique<TextBatches>(std::move(rows), path, columns, bad, seen, pool);
}

}  // namespace pulk
