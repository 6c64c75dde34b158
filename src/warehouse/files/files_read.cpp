#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <filesystem>

#include "base/cancel.h"
#include "base/error.h"
#include "base/strings.h"
#include "warehouse/files/files_session.h"
#include "warehouse/files/layout.h"

namespace pulk::files {

namespace {

constexpr std::int64_t kBatchRows = 8192;

// Row groups are cut well below this unless one row alone is larger.
constexpr std::int64_t kWideRowGroup = 32 << 20;

// The files of one version, one after the other.
class FilesReader : public TargetReader {
 public:
  FilesReader(std::string folder, Manifest manifest, std::vector<DeployedColumn> columns, arrow::MemoryPool* pool,
              CancelToken* cancel)
      : folder_(std::move(folder)), manifest_(std::move(manifest)), columns_(std::move(columns)), pool_(pool),
        cancel_(cancel) {
    for (const ManifestFile& entry : manifest_.files) {
      const auto metadata = footer(entry.file)->metadata();
      for (int group = 0; group < metadata->num_row_groups(); ++group)
        wide_ = wide_ || metadata->RowGroup(group)->total_byte_size() > kWideRowGroup;
    }
  }

  bool wide() const override { return wide_; }

  std::shared_ptr<arrow::RecordBatch> next() override {
    while (true) {
      if (cancel_ != nullptr) cancel_->check();
      if (rows_ == nullptr) {
        if (place_ == manifest_.files.size()) return nullptr;
        open(manifest_.files[place_++].file);
      }
      auto batch = rows_->Next();
      if (!batch.ok()) unreadable(batch.status().message());
      if (*batch != nullptr) return in_order(**batch);
      rows_.reset();
      file_.reset();
    }
  }

 private:
  [[noreturn]] void unreadable(const std::string& why) const {
    throw Error(ErrorKind::integrity, "the Parquet file cannot be read: " + why, path_);
  }

  std::unique_ptr<parquet::ParquetFileReader> footer(const StagedFile& file) {
    path_ = folder_ + "/" + file.name;
    if (!std::filesystem::exists(path_))
      throw Error(ErrorKind::integrity, "a file that the manifest names is not there", path_,
                  "another run may have replaced the table meanwhile: try again");
    try {
      auto parquet = parquet::ParquetFileReader::OpenFile(path_, false, parquet::ReaderProperties(pool_));
      if (parquet->metadata()->num_rows() != file.rows)
        throw Error(ErrorKind::integrity,
                    "the file has " + plural(parquet->metadata()->num_rows(), "row") + " where the manifest says " +
                        format_count(file.rows),
                    path_);
      return parquet;
    } catch (const parquet::ParquetException& error) {
      unreadable(error.what());
    }
  }

  void open(const StagedFile& file) {
    parquet::ArrowReaderProperties properties(false);
    properties.set_batch_size(kBatchRows);
    properties.set_pre_buffer(false);
    auto made = parquet::arrow::FileReader::Make(pool_, footer(file), properties);
    if (!made.ok()) unreadable(made.status().message());
    file_ = std::move(*made);
    auto rows = file_->GetRecordBatchReader();
    if (!rows.ok()) unreadable(rows.status().message());
    rows_ = std::move(*rows);
  }

  std::shared_ptr<arrow::RecordBatch> in_order(const arrow::RecordBatch& batch) const {
    arrow::ArrayVector arrays;
    arrow::FieldVector fields;
    for (const DeployedColumn& column : columns_) {
      auto array = batch.GetColumnByName(column.name);
      if (array == nullptr)
        throw Error(ErrorKind::integrity, "the file has no column " + column.name + ", the manifest has", path_);
      fields.push_back(arrow::field(column.name, array->type()));
      arrays.push_back(std::move(array));
    }
    return arrow::RecordBatch::Make(arrow::schema(fields), batch.num_rows(), std::move(arrays));
  }

  const std::string folder_;
  const Manifest manifest_;
  const std::vector<DeployedColumn> columns_;
  arrow::MemoryPool* pool_;
  CancelToken* cancel_;
  bool wide_ = false;
  std::size_t place_ = 0;
  std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::shared_ptr<arrow::RecordBatchReader> rows_;
};

}  // namespace

std::unique_ptr<TargetReader> FilesSession::read(const QualifiedName& table,
                                                 const std::vector<DeployedColumn>& columns,
                                                 arrow::MemoryPool* pool) {
  const std::string folder = table_folder(root_, table);
  const auto version = current_version(folder);
  if (!version) throw Error(ErrorKind::integrity, "the table is not in the target any more", table.display());
  return std::make_unique<FilesReader>(folder + "/" + *version, read_manifest(folder + "/" + *version), columns, pool,
                                       cancel_);
}

}  // namespace pulk::files
