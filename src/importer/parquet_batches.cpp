#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/properties.h>

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "base/error.h"
#include "catalog/arrow_schema.h"
#include "catalog/moment_text.h"
#include "engine/value_range.h"
#include "importer/file_batches.h"
#include "importer/text_column.h"

namespace pulk {
namespace {

using snowflake::Base;
using Array = std::shared_ptr<arrow::Array>;

constexpr std::int64_t kRows = 8192;

template <typename Result>
auto value(Result result, const std::string& path) {
  if (!result.ok()) throw Error(ErrorKind::usage, "cannot be read as Parquet: " + result.status().message(), path);
  return std::move(*result);
}

void check(const arrow::Status& status) {
  if (!status.ok()) throw Error(ErrorKind::internal, status.ToString());
}

arrow::Result<Array> cast(const Array& array, const std::shared_ptr<arrow::DataType>& type) {
  if (array->type()->Equals(*type)) return array;
  return arrow::compute::Cast(*array, type, arrow::compute::CastOptions::Safe(type));
}

// The first value that cannot be cast, when some cannot.
std::int64_t first_refused(const Array& array, const std::shared_ptr<arrow::DataType>& type) {
  std::int64_t from = 0, to = array->length();
  while (to - from > 1) {
    const std::int64_t middle = from + (to - from) / 2;
    (cast(array->Slice(from, middle - from), type).ok() ? from : to) = middle;
  }
  return from;
}

// Nanoseconds as the canonical text of times and moments.
Array fine_text(const arrow::Array& array, bool instant) {
  arrow::StringBuilder builder;
  MomentBuffer buffer;
  const bool moment = array.type_id() == arrow::Type::TIMESTAMP;
  const auto* values = array.data()->GetValues<std::int64_t>(1);
  for (std::int64_t i = 0; i < array.length(); ++i) {
    if (array.IsNull(i)) {
      check(builder.AppendNull());
    } else if (!moment) {
      check(builder.Append(write_time(buffer, values[i], 9)));
    } else {
      const std::chrono::nanoseconds since{values[i]};
      const auto day = std::chrono::floor<std::chrono::days>(since);
      const std::chrono::year_month_day date{std::chrono::sys_days{day}};
      check(builder.Append(write_moment(
          buffer,
          {static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
           (since - day).count(), instant ? std::optional<int>(0) : std::nullopt},
          9)));
    }
  }
  Array text;
  check(builder.Finish(&text));
  return text;
}

class ParquetBatches : public FileBatches {
 public:
  ParquetBatches(const std::string& path, const TablePlan& table, BadRows& bad, arrow::MemoryPool* pool)
      : path_(path), table_(table), bad_(bad), pool_(pool), schema_(arrow_schema(table.columns)) {
    parquet::arrow::FileReaderBuilder builder;
    check_open(builder.OpenFile(path, /*memory_map=*/false));
    parquet::ArrowReaderProperties properties;
    properties.set_batch_size(kRows);
    properties.set_use_threads(false);
    properties.set_pre_buffer(false);
    reader_ = value(builder.memory_pool(pool)->properties(properties)->Build(), path);
    batches_ = value(reader_->GetRecordBatchReader(), path);
    for (const ColumnPlan& column : table_.columns) {
      places_.push_back(batches_->schema()->GetFieldIndex(column.source_name));
      types_.push_back(*snowflake::parse_type(column.target_type));
    }
  }

  std::shared_ptr<arrow::RecordBatch> next() override {
    auto batch = batches_->Next();
    if (!batch.ok()) throw Error(ErrorKind::refused, "cannot be read further: " + batch.status().message(), path_);
    if (*batch == nullptr) return nullptr;
    arrow::ArrayVector arrays;
    for (std::size_t i = 0; i < places_.size(); ++i)
      arrays.push_back(carried((*batch)->column(places_[i]), table_.columns[i], types_[i]));
    auto made = arrow::RecordBatch::Make(schema_, (*batch)->num_rows(), std::move(arrays));
    try {
      check_ranges(*made, table_);
    } catch (const Error& error) {
      throw Error(ErrorKind::refused, error.message(),
                  path_ + ": rows " + std::to_string(done_ + 1) + " to " + std::to_string(done_ + made->num_rows()) +
                      ": " + error.subject());
    }
    done_ += made->num_rows();
    return made;
  }

 private:
  void check_open(const arrow::Status& status) const {
    if (!status.ok()) throw Error(ErrorKind::usage, "cannot be read as Parquet: " + status.message(), path_);
  }

  void bad(std::int64_t row, const ColumnPlan& column, const std::string& what) {
    bad_.add(path_ + ": row " + std::to_string(done_ + row + 1), column.target_name, what);
  }

  std::string value_at(const arrow::Array& array, std::int64_t row) {
    const auto scalar = array.GetScalar(row);
    return scalar.ok() ? (*scalar)->ToString() : "?";
  }

  Array carried(const Array& array, const ColumnPlan& column, const snowflake::Type& type) {
    if (!column.nullable && array->null_count() > 0)
      for (std::int64_t row = 0; row < array->length(); ++row)
        if (array->IsNull(row)) {
          bad(row, column, "is NULL, and the column is NOT NULL");
          break;
        }
    if (column.carrier.kind == CarrierKind::utf8 && column.logical.kind != TypeKind::text &&
        (array->type_id() == arrow::Type::TIMESTAMP || array->type_id() == arrow::Type::TIME64))
      return fine_text(*array, column.logical.kind == TypeKind::timestamp_tz);
    Array plain = array;
    const auto wanted = arrow_type(column.carrier);
    if (is_text(*array->type())) {
      plain = value(cast(array, arrow::utf8()), path_);
      return texts(static_cast<const arrow::StringArray&>(*plain), column, type);
    }
    const auto made = cast(array, wanted);
    if (!made.ok()) {
      const std::int64_t row = first_refused(array, wanted);
      bad(row, column, value_at(*array, row) + " does not fit " + column.target_type);
      return value(arrow::MakeArrayOfNull(wanted, array->length(), pool_), path_);
    }
    check_whole_numbers(**made, column, type);
    if (type.base == Base::binary) check_lengths(static_cast<const arrow::BinaryArray&>(**made), column, type);
    return *made;
  }

  static bool is_text(const arrow::DataType& type) {
    if (type.id() == arrow::Type::DICTIONARY)
      return is_text(*static_cast<const arrow::DictionaryType&>(type).value_type());
    return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING;
  }

  Array texts(const arrow::StringArray& array, const ColumnPlan& column, const snowflake::Type& type) {
    const auto maker = make_text_column(column, type, pool_);
    for (std::int64_t row = 0; row < array.length(); ++row) {
      // NULL in a column without NULL is said above.
      const TextCell cell{array.IsNull(row) ? std::string_view() : array.GetView(row), array.IsNull(row)};
      const std::string why = maker->take(cell);
      if (!why.empty() && !cell.null) bad(row, column, shown_value(cell.text) + " " + why);
    }
    return maker->finish();
  }

  template <typename Integers>
  void check_digits(const arrow::Array& array, const ColumnPlan& column, const snowflake::Type& type) {
    const int digits = type.precision - type.scale;
    if (digits >= 19) return;
    std::int64_t limit = 1;
    for (int i = 0; i < digits; ++i) limit *= 10;
    const auto& integers = static_cast<const Integers&>(array);
    for (std::int64_t row = 0; row < array.length(); ++row) {
      if (array.IsNull(row)) continue;
      const std::int64_t number = integers.Value(row);
      if (number >= limit || number <= -limit)
        bad(row, column, std::to_string(number) + " has more digits than " + column.target_type + " holds");
    }
  }

  void check_whole_numbers(const arrow::Array& array, const ColumnPlan& column, const snowflake::Type& type) {
    if (type.base != Base::number) return;
    if (array.type_id() == arrow::Type::INT16) check_digits<arrow::Int16Array>(array, column, type);
    if (array.type_id() == arrow::Type::INT32) check_digits<arrow::Int32Array>(array, column, type);
    if (array.type_id() == arrow::Type::INT64) check_digits<arrow::Int64Array>(array, column, type);
  }

  void check_lengths(const arrow::BinaryArray& array, const ColumnPlan& column, const snowflake::Type& type) {
    for (std::int64_t row = 0; row < array.length(); ++row)
      if (array.IsValid(row) && array.value_length(row) > type.length)
        bad(row, column, "has " + std::to_string(array.value_length(row)) + " bytes, more than " + column.target_type);
  }

  const std::string path_;
  const TablePlan& table_;
  BadRows& bad_;
  arrow::MemoryPool* const pool_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::RecordBatchReader> batches_;
  std::vector<int> places_;
  std::vector<snowflake::Type> types_;
  std::int64_t done_ = 0;
};

}  // namespace

std::unique_ptr<FileBatches> parquet_batches(const std::string& path, const TablePlan& table, BadRows& bad,
                                             arrow::MemoryPool* pool) {
  return std::make_unique<ParquetBatches>(path, table, bad, pool);
}

}  // namespace pulk
