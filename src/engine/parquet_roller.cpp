#include "engine/parquet_roller.h"

#include <arrow/chunked_array.h>
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
#include "engine/dictionary_choice.h"

namespace pulk {

namespace {

void check(const arrow::Status& status, const std::string& file) {
  if (status.ok()) return;
  // A full disk surfaces as an IOError from the stage's stream.
  if (status.IsIOError()) throw Error(ErrorKind::retryable, "cannot write: " + status.message(), file);
  throw Error(ErrorKind::internal, "Parquet: " + status.ToString(), file);
}

std::shared_ptr<parquet::WriterProperties> writer_properties(const EncodeOptions& options, bool wide,
                                                             const std::vector<std::string>& plain,
                                                             arrow::MemoryPool* pool) {
  parquet::WriterProperties::Builder builder;
  // Arrow's "lz4" is the framed format, which Parquet has not.
  const std::string name = options.codec == "none" ? "uncompressed" : options.codec == "lz4" ? "lz4_raw" : options.codec;
  const auto codec = arrow::util::Codec::GetCompressionType(name);
  builder.compression(*codec);
  if (options.codec == "zstd" || options.codec == "gzip") builder.compression_level(options.level);
  builder.data_pagesize(options.page_bytes);
  builder.dictionary_pagesize_limit(options.dictionary_bytes);
  builder.memory_pool(pool);
  if (wide) {
    builder.disable_dictionary();
    builder.disable_statistics();
  }
  for (const std::string& column : plain)
    builder.disable_dictionary(parquet::schema::ColumnPath({column}).ToDotString());
  // A row group is about the size of what others index as a page.
  builder.disable_write_page_index();
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
  std::int64_t row_groups = 0;
};

ParquetRoller::ParquetRoller(Stage& stage, std::string prefix, std::shared_ptr<arrow::Schema> schema,
                             const EncodeOptions& options, arrow::MemoryPool* pool)
    : stage_(stage), prefix_(std::move(prefix)), schema_(std::move(schema)), options_(options), pool_(pool) {}

ParquetRoller::~ParquetRoller() {
  if (encoding_.valid()) encoding_.wait();
  if (open_ == nullptr) return;
  // The writer's destructor would finish the file; the stage discards it all the same, because finish() is not called.
  open_->writer.reset();
}

void ParquetRoller::write(std::shared_ptr<arrow::RecordBatch> batch, std::int64_t bytes) {
  // The first file is made before the first batch is held: what keeps it from being made is told early.
  if (held_.empty() && !encoding_.valid() && open_ == nullptr) create();
  held_.push_back(std::move(batch));
  held_bytes_ += bytes;
  if (held_bytes_ >= options_.row_group_bytes) hand_over();
}

void ParquetRoller::hand_over() {
  wait();
  if (held_.empty()) return;
  Columns columns(static_cast<std::size_t>(schema_->num_fields()));
  for (const auto& batch : held_)
    for (int i = 0; i < batch->num_columns(); ++i) columns[static_cast<std::size_t>(i)].push_back(batch->column(i));
  held_.clear();
  held_bytes_ = 0;
  encoding_ =
      std::async(std::launch::async, [this, group = std::move(columns)]() mutable { encode(std::move(group)); });
}

void ParquetRoller::wait() {
  if (encoding_.valid()) encoding_.get();
}

void ParquetRoller::encode(Columns columns) {
  if (open_ == nullptr) create();
  if (open_->writer == nullptr) {
    std::vector<bool> dictionaries;
    for (const auto& column : columns) dictionaries.push_back(worth_a_dictionary(column));
    open(false, dictionaries);
  }
  check(open_->writer->NewRowGroup(), open_->name);
  for (auto& column : columns) {
    // Moved out: when it is written, its memory is free for the row group that is being read.
    check(open_->writer->WriteColumnChunk(std::make_shared<arrow::ChunkedArray>(std::move(column))), open_->name);
  }
  ++open_->row_groups;
  if (options_.one_file) return;
  // The size on the stage is only known at the end of a row group, so that is where files roll.
  const auto position = open_->stream->Tell();
  const bool full = position.ok() && *position >= file_limit(options_, files_.size() + 1);
  if (full || open_->row_groups * schema_->num_fields() >= kMostColumnChunks) close();
}

void ParquetRoller::create() {
  auto made = std::make_unique<Open>();
  made->name = fmt::format("{}-{:03}.parquet", prefix_, files_.size() + 1);
  made->file = stage_.create(made->name);
  made->stream = made->file->stream();
  open_ = std::move(made);
}

void ParquetRoller::open(bool wide, const std::vector<bool>& dictionaries) {
  std::vector<std::string> plain;
  for (std::size_t i = 0; i < dictionaries.size(); ++i)
    if (!dictionaries[i]) plain.push_back(schema_->field(static_cast<int>(i))->name());
  auto writer =
      parquet::arrow::FileWriter::Open(*schema_, pool_, open_->stream, writer_properties(options_, wide, plain, pool_),
                                       parquet::ArrowWriterProperties::Builder().build());
  check(writer.status(), open_->name);
  open_->writer = std::move(*writer);
}

void ParquetRoller::end_file() {
  hand_over();
  wait();
  if (open_ != nullptr) close();
}

void ParquetRoller::write_wide(std::shared_ptr<arrow::RecordBatch> batch) {
  if (options_.one_file) {
    hand_over();
    wait();
    Columns columns;
    for (const auto& column : batch->columns()) columns.push_back({column});
    batch.reset();
    encode(std::move(columns));
    return;
  }
  end_file();
  create();
  open(true, {});
  auto table = arrow::Table::FromRecordBatches({std::move(batch)});
  check(table.status(), open_->name);
  check(open_->writer->WriteTable(**table, std::max<std::int64_t>(1, (*table)->num_rows())), open_->name);
  table->reset();
  close();
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
  end_file();
  if (files_.empty() && at_least_one) {
    create();
    open(false, {});
    close();
  }
  return std::move(files_);
}

}  // namespace pulk
