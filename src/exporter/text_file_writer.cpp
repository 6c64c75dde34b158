#include "exporter/text_file_writer.h"

#include <arrow/io/compressed.h>
#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "exporter/text_encoder.h"

namespace pulk {
namespace {

// Rows that are encoded between two writes: their text stays in the processor's cache.
constexpr std::int64_t kRowsAtOnce = 1024;

void check(const arrow::Status& status) {
  if (!status.ok()) throw Error(ErrorKind::retryable, "cannot write: " + status.message());
}

class TextFileWriter : public FileWriter {
 public:
  TextFileWriter(const ExportEntry& entry, std::shared_ptr<arrow::Schema> schema, Create create)
      : entry_(entry), schema_(std::move(schema)), create_(std::move(create)) {
    make_text_encoder(entry_, schema_);  // says what cannot be written before a file is made
  }

  void write(std::shared_ptr<arrow::RecordBatch> batch) override {
    for (std::int64_t from = 0; from < batch->num_rows(); from += kRowsAtOnce) {
      if (file_ == nullptr) open();
      const auto rows = batch->Slice(from, kRowsAtOnce);
      text_.clear();
      encoder_->encode(*rows, text_);
      put();
      rows_ += rows->num_rows();
      const auto position = file_->stream()->Tell();
      if (entry_.max_file_bytes > 0 && position.ok() && *position >= entry_.max_file_bytes) close();
    }
  }

  std::vector<StagedFile> finish() override {
    if (file_ == nullptr && files_.empty()) open();
    if (file_ != nullptr) close();
    return std::move(files_);
  }

 private:
  void open() {
    file_ = create_("", static_cast<int>(files_.size()) + 1);
    stream_ = file_->stream();
    if (entry_.compression == "gzip" || entry_.compression == "zstd") {
      auto codec = arrow::util::Codec::Create(*arrow::util::Codec::GetCompressionType(entry_.compression));
      check(codec.status());
      codec_ = std::move(*codec);
      auto compressed = arrow::io::CompressedOutputStream::Make(codec_.get(), stream_);
      check(compressed.status());
      stream_ = std::move(*compressed);
    }
    encoder_ = make_text_encoder(entry_, schema_);
    rows_ = 0;
    text_.clear();
    encoder_->begin(text_);
    put();
  }

  void put() { check(stream_->Write(text_.data(), static_cast<std::int64_t>(text_.size()))); }

  void close() {
    text_.clear();
    encoder_->end(text_);
    put();
    check(stream_->Close());
    StagedFile file = file_->finish();
    file.rows = rows_;
    files_.push_back(std::move(file));
    stream_.reset();
    file_.reset();
  }

  const ExportEntry entry_;
  const std::shared_ptr<arrow::Schema> schema_;
  const Create create_;
  std::unique_ptr<arrow::util::Codec> codec_;
  std::unique_ptr<OutputFile> file_;
  std::shared_ptr<arrow::io::OutputStream> stream_;  // before the file in time: it writes to it
  std::unique_ptr<TextEncoder> encoder_;
  std::string text_;
  std::int64_t rows_ = 0;
  std::vector<StagedFile> files_;
};

}  // namespace

std::unique_ptr<FileWriter> make_text_file_writer(const ExportEntry& entry, std::shared_ptr<arrow::Schema> schema,
                                                  FileWriter::Create create) {
  return std::make_unique<TextFileWriter>(entry, std::move(schema), std::move(create));
}

}  // namespace pulk
