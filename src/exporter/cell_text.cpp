#include "exporter/cell_text.h"

#include <arrow/api.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "exporter/moment_text.h"

namespace pulk {
namespace {

MomentUnit unit_of(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return kSecond;
    case arrow::TimeUnit::MILLI:
      return kMillisecond;
    case arrow::TimeUnit::MICRO:
      return kMicrosecond;
    case arrow::TimeUnit::NANO:
      return kNanosecond;
  }
  return kSecond;
}

class Booleans : public CellText {
 public:
  explicit Booleans(const std::shared_ptr<arrow::Array>& array)
      : CellText(CellKind::number, array), values_(static_cast<const arrow::BooleanArray&>(*array)) {}
  void append(std::int64_t row, std::string& out) const override { out += values_.Value(row) ? "true" : "false"; }

 private:
  const arrow::BooleanArray& values_;
};

template <typename ArrayType>
class Integers : public CellText {
 public:
  explicit Integers(const std::shared_ptr<arrow::Array>& array)
      : CellText(CellKind::number, array), values_(static_cast<const ArrayType&>(*array).raw_values()) {}
  void append(std::int64_t row, std::string& out) const override {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, values_[row]).ptr;
    out.append(text, end);
  }

 private:
  const typename ArrayType::value_type* values_;
};

template <typename ArrayType>
class Reals : public CellText {
 public:
  explicit Reals(const std::shared_ptr<arrow::Array>& array)
      : CellText(CellKind::real, array), values_(static_cast<const ArrayType&>(*array).raw_values()) {}
  void append(std::int64_t row, std::string& out) const override {
    const auto value = values_[row];
    if (std::isnan(value)) {
      out += "NaN";
    } else if (std::isinf(value)) {
      out += value < 0 ? "-Infinity" : "Infinity";
    } else if (value == 0 && std::signbit(value)) {
      out += "-0.0";  // readers of JSON take -0 for the integer, which has no sign
    } else {
      char text[40];
      const double magnitude = std::abs(static_cast<double>(value));
      // People expect 100000, not 1e+05.
      const bool plain = magnitude == 0 || (magnitude >= 1e-5 && magnitude < 1e16);
      const auto end = plain ? std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr
                             : std::to_chars(text, text + sizeof text, value).ptr;
      out.append(text, end);
    }
  }
  bool finite(std::int64_t row) const override { return std::isfinite(values_[row]); }

 private:
  const typename ArrayType::value_type* values_;
};

class Decimals : public CellText {
 public:
  explicit Decimals(const std::shared_ptr<arrow::Array>& array)
      : CellText(CellKind::number, array),
        values_(static_cast<const arrow::Decimal128Array&>(*array)),
        scale_(static_cast<const arrow::Decimal128Type&>(*array->type()).scale()) {}
  void append(std::int64_t row, std::string& out) const override {
    const arrow::Decimal128 value(values_.GetValue(row));
    const bool small = value.high_bits() == (static_cast<std::int64_t>(value.low_bits()) >> 63);
    std::array<char, 64> text{};
    std::string_view digits;
    bool negative = value.IsNegative();
    std::string large;
    if (small) {
      const auto number = static_cast<std::int64_t>(value.low_bits());
      const std::uint64_t size = negative ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
      digits = {text.data(), static_cast<std::size_t>(std::to_chars(text.data(), text.data() + text.size(), size).ptr -
                                                      text.data())};
    } else {
      large = arrow::Decimal128(arrow::Decimal128::Abs(value)).ToIntegerString();
      digits = large;
    }
    if (negative) out += '-';
    if (scale_ <= 0) {
      out += digits;
      if (digits != "0") out.append(static_cast<std::size_t>(-scale_), '0');
      return;
    }
    const auto scale = static_cast<std::size_t>(scale_);
    if (digits.size() <= scale) {
      out += "0.";
      out.append(scale - digits.size(), '0');
      out += digits;
    } else {
      out += digits.substr(0, digits.size() - scale);
      out += '.';
      out += digits.substr(digits.size() - scale);
    }
  }

 private:
  const arrow::Decimal128Array& values_;
  const std::int32_t scale_;
};

class Dates : public CellText {
 public:
  explicit Dates(const std::shared_ptr<arrow::Array>& array)
      : CellText(CellKind::plain, array), values_(static_cast<const arrow::Date32Array&>(*array).raw_values()) {}
  void append(std::int64_t row, std::string& out) const override { append_date(values_[row], out); }

 private:
  const std::int32_t* values_;
};

template <typename ArrayType, typename Type>
class Times : public CellText {
 public:
  explicit Times(const std::shared_ptr<arrow::Array>& array)
      : CellText(CellKind::plain, array),
        values_(static_cast<const ArrayType&>(*array).raw_values()),
        unit_(unit_of(static_cast<const Type&>(*array->type()).unit())) {}
  void append(std::int64_t row, std::string& out) const override { append_time(values_[row], unit_, out); }

 private:
  const typename ArrayType::value_type* values_;
  const MomentUnit unit_;
};

class Timestamps : public CellText {
 public:
  Timestamps(const std::shared_ptr<arrow::Array>& array, char separator)
      : CellText(CellKind::plain, array),
        values_(static_cast<const arrow::TimestampArray&>(*array).raw_values()),
        unit_(unit_of(static_cast<const arrow::TimestampType&>(*array->type()).unit())),
        instant_(!static_cast<const arrow::TimestampType&>(*array->type()).timezone().empty()),
        separator_(separator) {}
  void append(std::int64_t row, std::string& out) const override {
    append_moment(values_[row], unit_, separator_, out);
    if (instant_) out += "+00:00";
  }

 private:
  const std::int64_t* values_;
  const MomentUnit unit_;
  const bool instant_;
  const char separator_;
};

template <typename ArrayType>
class Bytes : public CellText {
 public:
  explicit Bytes(const std::shared_ptr<arrow::Array>& array)
      : CellText(CellKind::plain, array), values_(static_cast<const ArrayType&>(*array)) {}
  void append(std::int64_t row, std::string& out) const override {
    constexpr char kDigits[] = "0123456789ABCDEF";
    for (const unsigned char byte : values_.GetView(row)) {
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }

 private:
  const ArrayType& values_;
};

template <typename ArrayType>
class Texts : public CellText {
 public:
  Texts(CellKind kind, const std::shared_ptr<arrow::Array>& array)
      : CellText(kind, array), values_(static_cast<const ArrayType&>(*array)) {}
  void append(std::int64_t row, std::string& out) const override { out += values_.GetView(row); }
  std::string_view view(std::int64_t row) const override { return values_.GetView(row); }

 private:
  const ArrayType& values_;
};

bool holds_json(const arrow::Field& field) {
  if (field.metadata() == nullptr) return false;
  const auto found = field.metadata()->Get("logicalType");
  return found.ok() && (*found == "VARIANT" || *found == "OBJECT" || *found == "ARRAY" || *found == "MAP");
}

}  // namespace

CellText::CellText(CellKind kind, std::shared_ptr<arrow::Array> array) : kind_(kind), array_(std::move(array)) {}
CellText::~CellText() = default;
bool CellText::null(std::int64_t row) const { return array_->IsNull(row); }
std::string_view CellText::view(std::int64_t) const { return {}; }
bool CellText::finite(std::int64_t) const { return true; }

std::unique_ptr<CellText> cell_text(const arrow::Field& field, std::shared_ptr<arrow::Array> array,
                                    char moment_separator) {
  const CellKind text = holds_json(field) ? CellKind::json : CellKind::text;
  switch (array->type_id()) {
    case arrow::Type::BOOL:
      return std::make_unique<Booleans>(array);
    case arrow::Type::INT8:
      return std::make_unique<Integers<arrow::Int8Array>>(array);
    case arrow::Type::INT16:
      return std::make_unique<Integers<arrow::Int16Array>>(array);
    case arrow::Type::INT32:
      return std::make_unique<Integers<arrow::Int32Array>>(array);
    case arrow::Type::INT64:
      return std::make_unique<Integers<arrow::Int64Array>>(array);
    case arrow::Type::UINT8:
      return std::make_unique<Integers<arrow::UInt8Array>>(array);
    case arrow::Type::UINT16:
      return std::make_unique<Integers<arrow::UInt16Array>>(array);
    case arrow::Type::UINT32:
      return std::make_unique<Integers<arrow::UInt32Array>>(array);
    case arrow::Type::UINT64:
      return std::make_unique<Integers<arrow::UInt64Array>>(array);
    case arrow::Type::FLOAT:
      return std::make_unique<Reals<arrow::FloatArray>>(array);
    case arrow::Type::DOUBLE:
      return std::make_unique<Reals<arrow::DoubleArray>>(array);
    case arrow::Type::DECIMAL128:
      return std::make_unique<Decimals>(array);
    case arrow::Type::DATE32:
      return std::make_unique<Dates>(array);
    case arrow::Type::TIME32:
      return std::make_unique<Times<arrow::Time32Array, arrow::Time32Type>>(array);
    case arrow::Type::TIME64:
      return std::make_unique<Times<arrow::Time64Array, arrow::Time64Type>>(array);
    case arrow::Type::TIMESTAMP:
      return std::make_unique<Timestamps>(array, moment_separator);
    case arrow::Type::BINARY:
      return std::make_unique<Bytes<arrow::BinaryArray>>(array);
    case arrow::Type::LARGE_BINARY:
      return std::make_unique<Bytes<arrow::LargeBinaryArray>>(array);
    case arrow::Type::FIXED_SIZE_BINARY:
      return std::make_unique<Bytes<arrow::FixedSizeBinaryArray>>(array);
    case arrow::Type::STRING:
      return std::make_unique<Texts<arrow::StringArray>>(text, array);
    case arrow::Type::LARGE_STRING:
      return std::make_unique<Texts<arrow::LargeStringArray>>(text, array);
    default:
      throw Error(ErrorKind::refused, "columns of " + array->type()->ToString() + " have no form in text",
                  "column " + field.name(), "cast it in a query, or write parquet");
  }
}

}  // namespace pulk
