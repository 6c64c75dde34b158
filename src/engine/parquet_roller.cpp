#include "engine/parquet_roller.h"

#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_writer.h>
#include <parquet/properties.h>

#include <algorithm>

#include "base/error.h"
#include "base/steps.h"

namespace pulk {

namespace {

void check(const arrow::Status& status, const std::string& file) {
  if (status.ok()) return;
  // A full disk surfaces as an IOError from the stage's stream.
  if (status.IsIOError()) throw Error(ErrorKind::retryable, "cannot write: " + status.message(), file);
  throw Error(ErrorKind::internal, "Parquet: " + status.ToString(), file);
}

std::shared_ptr<parquet::WriterProperties> writer_properties(const EncodeOptions& options, bool wide,
                                                             arrow::MemoryPool* pool) {
  parquet::WriterProperties::Builder builder;
  const auto codec = arrow::util::Codec::GetCompressionType(options.codec == "none" ? "uncompressed" : options.codec);
  builder.compression(*codec);
  if (options.codec == "zstd" || options.codec == "gzip") builder.compression_level(options.level);
  builder.data_pagesize(options.page_bytes);
  builder.dictionary_pagesize_limit(options.dictionary_bytes);
  builder.memory_pool(pool);
  if (wide) {
    builder.disable_dictionary();
    builder.disable_statistics();
  }
  // Row groups are ended by bytes below; the row limit only has to stay out of the way.
  builder.max_row_group_length(64 << 20);
  builder.enable_store_decimal_as_integer();
  builder.version(parquet::ParquetVersion::PARQUET_2_6);
  builder.created_by("pulk");
  return builder.build();
}

}  // namespace

struct ParquetRoller::Open {
  std::string name;
  std::unique_ptr<OutputFile> file;
  std::shared_ptr<arrow::io::OutputStream> stream;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  std::int64_t group_bytes = 0;  // Arrow bytes in the open row group; -1: none is open
};

ParquetRoller::ParquetRoller(Stage& stage, std::string prefix, std::shared_ptr<arrow::Schema> schema,
                             const EncodeOptions& options, arrow::MemoryPool* pool)
    : stage_(stage), prefix_(std::move(prefix)), schema_(std::move(schema)), options_(options), pool_(pool) {}

ParquetRoller::~ParquetRoller() {
  if (open_ == nullptr) return;
  // The writer's destructor would finish the file; the stage discards it all the same, because finish() is not called.
  open_->writer.reset();
}

void ParquetRoller::open(bool wide) {
  open_ = std::make_unique<Open>();
  open_->name = fmt::format("{}-{:03}.parquet", prefix_, files_.size() + 1);
  open_->file = stage_.create(open_->name);
  open_->stream = open_->file->stream();
  auto writer = parquet::arrow::FileWriter::Open(*schema_, pool_, open_->stream, writer_properties(options_, wide, pool_),
                                                 parquet::ArrowWriterProperties::Builder().build());
  check(writer.status(), open_->name);
  open_->writer = std::move(*writer);
  open_->group_bytes = -1;
}

void ParquetRoller::end_file() {
  if (open_ != nullptr) close();
}

void ParquetRoller::write_wide(std::shared_ptr<arrow::RecordBatch> batch) {
  end_file();
  open(true);
  auto table = arrow::Table::FromRecordBatches({std::move(batch)});
  check(table.status(), open_->name);
  check(open_->writer->WriteTable(**table, std::max<std::int64_t>(1, (*table)->num_rows())), open_->name);
  table->reset();
  close();
}

void ParquetRoller::write(const std::shared_ptr<arrow::RecordBatch>& batch, std::int64_t bytes) {
  if (open_ == nullptr) open(false);
  if (open_->group_bytes < 0 || open_->group_bytes >= options_.row_group_bytes) {
    check(open_->writer->NewBufferedRowGroup(), open_->name);
    open_->group_bytes = 0;
  }
  check(open_->writer->WriteRecordBatch(*batch), open_->name);
  open_->group_bytes += bytes;
  if (open_->group_bytes < options_.row_group_bytes) return;
  // The size on the stage is only known at the end of a row group, so that is where files roll.
  const auto position = open_->stream->Tell();
  if (position.ok() && *position >= options_.file_bytes) close();
}

void ParquetRoller::close() {
  check(open_->writer->Close(), open_->name);
  const std::int64_t rows = open_->writer->metadata()->num_rows();
  open_->writer.reset();
  StagedFile staged = open_->file->finish();
  staged.rows = rows;
  files_.push_back(std::move(staged));
  open_.reset();
  step("partition.file_closed");
}

std::vector<StagedFile> ParquetRoller::finish(bool at_least_one) {
  if (open_ == nullptr && files_.empty() && at_least_one) open(false);
  if (open_ != nullptr) close();
  return std::move(files_);
}

}  // namespace pulk
