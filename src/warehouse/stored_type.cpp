#include "warehouse/stored_type.h"

#include "warehouse/sql_type.h"

namespace pulk {

std::string_view to_string(Meaning meaning) {
  switch (meaning) {
    case Meaning::boolean: return "boolean";
    case Meaning::number: return "number";
    case Meaning::real: return "real";
    case Meaning::text: return "text";
    case Meaning::bytes: return "bytes";
    case Meaning::date: return "date";
    case Meaning::time: return "time";
    case Meaning::moment: return "moment";
    case Meaning::uuid: return "uuid";
    case Meaning::presence: return "presence";
  }
  return "?";
}

std::optional<StoredType> stored_sql_type(std::string_view text) {
  const auto type = parse_sql_type(text);
  if (!type) return std::nullopt;
  switch (type->base) {
    case SqlBase::boolean: return StoredType{Meaning::boolean};
    case SqlBase::float32: return StoredType{Meaning::real, 0, true};
    case SqlBase::float64: return StoredType{Meaning::real};
    case SqlBase::varchar:
    case SqlBase::json: return StoredType{Meaning::text};
    case SqlBase::blob: return StoredType{Meaning::bytes};
    case SqlBase::date: return StoredType{Meaning::date};
    case SqlBase::time:
    case SqlBase::time_ns: return StoredType{Meaning::time};
    case SqlBase::timestamp:
    case SqlBase::timestamp_s:
    case SqlBase::timestamp_ms:
    case SqlBase::timestamp_ns:
    case SqlBase::timestamp_tz: return StoredType{Meaning::moment};
    case SqlBase::uuid: return StoredType{Meaning::uuid};
    default: return StoredType{Meaning::number, type->scale};
  }
}

}  // namespace pulk
