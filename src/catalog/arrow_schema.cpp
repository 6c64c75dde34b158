#include "catalog/arrow_schema.h"

#include <arrow/extension/json.h>
#include <arrow/extension/uuid.h>
#include <arrow/type.h>

#include "base/error.h"

namespace pulk {

std::shared_ptr<arrow::DataType> arrow_type(const Carrier& carrier) {
  switch (carrier.kind) {
    case CarrierKind::boolean: return arrow::boolean();
    case CarrierKind::int16: return arrow::int16();
    case CarrierKind::int32: return arrow::int32();
    case CarrierKind::int64: return arrow::int64();
    case CarrierKind::float32: return arrow::float32();
    case CarrierKind::float64: return arrow::float64();
    case CarrierKind::decimal128: return arrow::decimal128(carrier.precision, carrier.scale);
    case CarrierKind::utf8: return arrow::utf8();
    case CarrierKind::binary: return arrow::binary();
    case CarrierKind::date32: return arrow::date32();
    case CarrierKind::time64_us: return arrow::time64(arrow::TimeUnit::MICRO);
    case CarrierKind::time64_ns: return arrow::time64(arrow::TimeUnit::NANO);
    case CarrierKind::timestamp_ns: return arrow::timestamp(arrow::TimeUnit::NANO);
    case CarrierKind::timestamp_us: return arrow::timestamp(arrow::TimeUnit::MICRO);
    case CarrierKind::timestamp_us_utc: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case CarrierKind::uuid: return arrow::extension::uuid();
    case CarrierKind::json: return arrow::extension::json(arrow::utf8());
  }
  throw Error(ErrorKind::internal, "no Arrow type for a carrier");
}

std::shared_ptr<arrow::Schema> arrow_schema(const std::vector<ColumnPlan>& columns) {
  arrow::FieldVector fields;
  fields.reserve(columns.size());
  for (const ColumnPlan& column : columns)
    fields.push_back(arrow::field(column.target_name, arrow_type(column.carrier), column.nullable));
  return arrow::schema(std::move(fields));
}

}  // namespace pulk
