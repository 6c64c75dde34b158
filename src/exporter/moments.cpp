#include "exporter/moments.h"

#include <arrow/api.h>
#include <arrow/util/decimal.h>

#include "base/error.h"
#include "engine/counting_pool.h"
#include "exporter/moment_text.h"

namespace pulk {
namespace {

void check(const arrow::Status& status) {
  if (!status.ok()) throw Error(ErrorKind::internal, status.ToString());
}

// What the driver makes of the expression: a decimal, or an integer when every value fits 64 bits.
class Nanoseconds {
 public:
  Nanoseconds(const arrow::Array& array, const arrow::Field& field) : array_(array) {
    if (array.type_id() == arrow::Type::INT64 ||
        (array.type_id() == arrow::Type::DECIMAL128 &&
         static_cast<const arrow::Decimal128Type&>(*array.type()).scale() == 0))
      return;
    throw Error(ErrorKind::internal, "moments arrived as " + array.type()->ToString(), "column " + field.name());
  }
  Int128 at(std::int64_t row) const {
    if (array_.type_id() == arrow::Type::INT64) return static_cast<const arrow::Int64Array&>(array_).Value(row);
    const arrow::Decimal128 value(static_cast<const arrow::Decimal128Array&>(array_).GetValue(row));
    return (static_cast<Int128>(value.high_bits()) << 64) | static_cast<Int128>(value.low_bits());
  }

 private:
  const arrow::Array& array_;
};

std::string text_of(Int128 nanoseconds, char separator) {
  std::string text;
  append_moment(nanoseconds, kNanosecond, separator, text);
  return text;
}

}  // namespace

std::shared_ptr<arrow::Field> moment_field(const std::string& name, bool instant, bool microseconds) {
  if (microseconds) return arrow::field(name, arrow::timestamp(arrow::TimeUnit::MICRO, instant ? "UTC" : ""));
  return arrow::field(name, arrow::utf8(), true,
                      arrow::key_value_metadata({{"pulk.moment", instant ? "instant" : "local"}}));
}

std::shared_ptr<arrow::Array> moments_of(const arrow::Array& nanoseconds, const arrow::Field& field, char separator,
                                         const std::string& table) {
  const Nanoseconds values(nanoseconds, field);
  std::shared_ptr<arrow::Array> made;
  if (field.type()->id() == arrow::Type::TIMESTAMP) {
    arrow::TimestampBuilder builder(field.type(), counting_pool());
    check(builder.Reserve(nanoseconds.length()));
    for (std::int64_t row = 0; row < nanoseconds.length(); ++row) {
      if (nanoseconds.IsNull(row)) {
        builder.UnsafeAppendNull();
        continue;
      }
      const Int128 value = values.at(row);
      if (value % 1000 != 0)
        throw Error(
            ErrorKind::refused,
            "the moment " + text_of(value, ' ') +
                " has finer digits than microseconds, and some moment of this export lies outside of 1678 to 2261, "
                "where Parquet's nanoseconds end",
            table + ", column " + field.name(),
            "write TO_VARCHAR or a cast to TIMESTAMP(6) for the column in a query, or csv or json");
      builder.UnsafeAppend(static_cast<std::int64_t>(value / 1000));
    }
    check(builder.Finish(&made));
    return made;
  }
  const bool instant = field.metadata()->Get("pulk.moment").ValueOr("") == "instant";
  arrow::StringBuilder builder;
  for (std::int64_t row = 0; row < nanoseconds.length(); ++row)
    check(nanoseconds.IsNull(row) ? builder.AppendNull()
                                  : builder.Append(text_of(values.at(row), separator) + (instant ? "+00:00" : "")));
  check(builder.Finish(&made));
  return made;
}

}  // namespace pulk
