#include "exporter/file_writer.h"

#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <utility>

#include "engine/parquet_roller.h"
#include "exporter/column_names.h"
#include "exporter/partitioned_writer.h"
#include "exporter/text_file_writer.h"

namespace pulk {
namespace {

// The place of one export, as a stage that knows the n-th file only.
class NumberedFiles : public Stage {
 public:
  explicit NumberedFiles(FileWriter::Create create) : create_(std::move(create)) {}
  std::unique_ptr<OutputFile> create(const std::string&) override { return create_("", ++number_); }
  void remove(const std::string&) override {}
  std::vector<std::string> list() override { return {}; }
  std::string location() const override { return {}; }

 private:
  FileWriter::Create create_;
  int number_ = 0;
};

constexpr std::int64_t kSmallestRowGroup = 1 << 20;

EncodeOptions encode_options(const ExportEntry& entry) {
  EncodeOptions options;
  if (!entry.compression.empty()) options.codec = entry.compression;
  options.one_file = entry.max_file_bytes == 0;
  if (!options.one_file) {
    options.file_bytes = entry.max_file_bytes;
    // A file rolls at the end of a row group.
    options.row_group_bytes = std::min(options.row_group_bytes, std::max(entry.max_file_bytes / 2, kSmallestRowGroup));
  }
  return options;
}

class ParquetFileWriter : public FileWriter {
 public:
  ParquetFileWriter(const ExportEntry& entry, std::shared_ptr<arrow::Schema> schema, Create create,
                    arrow::MemoryPool* pool)
      : files_(std::move(create)),
        row_group_bytes_(encode_options(entry).row_group_bytes),
        roller_(files_, "file", std::move(schema), encode_options(entry), pool) {}

  // A batch of a source may be larger than a row group, at whose ends files roll.
  void write(std::shared_ptr<arrow::RecordBatch> batch) override {
    const std::int64_t bytes = arrow::util::TotalBufferSize(*batch), rows = batch->num_rows();
    const std::int64_t pieces = bytes / row_group_bytes_ + 1, each = rows / pieces + 1;
    for (std::int64_t from = 0; from < rows; from += each) {
      auto piece = batch->Slice(from, each);
      const std::int64_t share = bytes * piece->num_rows() / rows;
      roller_.write(std::move(piece), share);
    }
  }

  std::vector<StagedFile> finish() override { return roller_.finish(true); }

 private:
  NumberedFiles files_;
  const std::int64_t row_group_bytes_;
  ParquetRoller roller_;
};

}  // namespace

std::unique_ptr<FileWriter> make_file_writer(const ExportEntry& entry, std::shared_ptr<arrow::Schema> schema,
                                             FileWriter::Create create, arrow::MemoryPool* pool) {
  check_column_names(entry, *schema);
  if (!entry.partition_by.empty()) return make_partitioned_writer(entry, std::move(schema), std::move(create), pool);
  if (entry.type == FileType::parquet)
    return std::make_unique<ParquetFileWriter>(entry, std::move(schema), std::move(create), pool);
  return make_text_file_writer(entry, std::move(schema), std::move(create));
}

std::string content_type(const ExportEntry& entry) {
  if (entry.type == FileType::parquet) return "application/octet-stream";
  if (entry.compression == "gzip") return "application/gzip";
  if (entry.compression == "zstd") return "application/zstd";
  return entry.type == FileType::csv ? "text/csv" : "application/json";
}

std::string file_ending(const ExportEntry& entry) {
  std::string ending = "." + std::string(to_string(entry.type));
  if (entry.type == FileType::parquet) return ending;
  if (entry.compression == "gzip") ending += ".gz";
  if (entry.compression == "zstd") ending += ".zst";
  return ending;
}

}  // namespace pulk
