#include "exporter/partitioned_writer.h"

#include <arrow/api.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "exporter/cell_text.h"
#include "exporter/column_names.h"

namespace pulk {
namespace {

// Hive's name for NULL.
constexpr std::string_view kNull = "__HIVE_DEFAULT_PARTITION__";

// What has a meaning in paths and addresses is written %XX, as Hive does.
std::string escaped(std::string_view text) {
  constexpr std::string_view kSpecial = "\"#%'*/:=?\\{[]^";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || kSpecial.find(c) != std::string_view::npos)
      out += "%" + to_upper(hex(std::string_view(&c, 1)));
    else
      out += c;
  }
  return out;
}

// Texts that a collation takes for equal come mixed, but not so often.
constexpr std::int64_t kMostBegunAgain = 100;

class PartitionedWriter : public FileWriter {
 public:
  PartitionedWriter(ExportEntry entry, std::shared_ptr<arrow::Schema> schema, Create create, arrow::MemoryPool* pool)
      : entry_(std::move(entry)), schema_(std::move(schema)), create_(std::move(create)), pool_(pool) {
    keys_ = partition_columns(entry_, *schema_);
    arrow::FieldVector kept;
    for (int i = 0; i < schema_->num_fields(); ++i) {
      if (std::find(keys_.begin(), keys_.end(), i) != keys_.end()) continue;
      kept.push_back(schema_->field(i));
      kept_.push_back(i);
    }
    file_schema_ = arrow::schema(std::move(kept));
    entry_.partition_by.clear();
    make_file_writer(entry_, file_schema_, create_, pool_);  // says what the format cannot hold
  }

  void write(std::shared_ptr<arrow::RecordBatch> batch) override {
    std::vector<std::unique_ptr<CellText>> keys;
    for (const int i : keys_) keys.push_back(cell_text(*schema_->field(i), batch->column(i), ' '));
    arrow::ArrayVector columns;
    for (const int i : kept_) columns.push_back(batch->column(i));
    const auto rest = arrow::RecordBatch::Make(file_schema_, batch->num_rows(), std::move(columns));
    std::int64_t from = 0;
    for (std::int64_t row = 0; row < batch->num_rows(); ++row) {
      std::string folder = folder_of(keys, row);
      if (writer_ != nullptr && folder == folder_) continue;
      if (row > from) writer_->write(rest->Slice(from, row - from));
      from = row;
      begin(std::move(folder));
    }
    if (batch->num_rows() > from) writer_->write(rest->Slice(from));
  }

  std::vector<StagedFile> finish() override {
    end();
    return std::move(files_);
  }

 private:
  std::string folder_of(const std::vector<std::unique_ptr<CellText>>& keys, std::int64_t row) const {
    std::string folder, value;
    for (std::size_t k = 0; k < keys.size(); ++k) {
      value.clear();
      if (keys[k]->null(row))
        value = kNull;
      else
        keys[k]->append(row, value);
      const std::string& column = schema_->field(keys_[k])->name();
      if (value.empty() || (value == kNull && !keys[k]->null(row)))
        throw Error(ErrorKind::refused,
                    value.empty() ? "an empty text, for which no folder can be named"
                                  : "the text " + value + ", which is the name of the folder for NULL",
                    entry_.table + ": partition_by " + column, "make NULL or another text of it in a query");
      folder += escaped(column) + '=' + escaped(value) + '/';
    }
    return folder;
  }

  void begin(std::string folder) {
    end();
    if (numbers_.contains(folder) && ++begun_again_ > kMostBegunAgain + static_cast<std::int64_t>(numbers_.size()))
      throw Error(ErrorKind::usage, "the rows do not come in the order of these columns: each change is a file",
                  entry_.table + ": partition_by", "end the query with ORDER BY these columns");
    folder_ = std::move(folder);
    // Texts that a collation takes for equal may come mixed: a folder is then begun several times.
    writer_ = make_file_writer(
        entry_, file_schema_,
        [this, below = folder_](const std::string&, int) { return create_(below, ++numbers_[below]); }, pool_);
  }

  void end() {
    if (writer_ == nullptr) return;
    for (StagedFile& file : writer_->finish()) files_.push_back(std::move(file));
    writer_.reset();
  }

  ExportEntry entry_;
  const std::shared_ptr<arrow::Schema> schema_;
  const Create create_;
  arrow::MemoryPool* const pool_;
  std::shared_ptr<arrow::Schema> file_schema_;
  std::vector<int> kept_, keys_;
  std::string folder_;
  std::map<std::string, int> numbers_;  // files of each folder
  std::int64_t begun_again_ = 0;
  std::unique_ptr<FileWriter> writer_;
  std::vector<StagedFile> files_;
};

}  // namespace

std::unique_ptr<FileWriter> make_partitioned_writer(const ExportEntry& entry, std::shared_ptr<arrow::Schema> schema,
                                                    FileWriter::Create create, arrow::MemoryPool* pool) {
  return std::make_unique<PartitionedWriter>(entry, std::move(schema), std::move(create), pool);
}

}  // namespace pulk
