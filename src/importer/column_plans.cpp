#include "importer/column_plans.h"

#include <arrow/type.h>

#include "base/strings.h"

namespace pulk {
namespace {

using snowflake::Base;
using snowflake::Type;

int fraction_of(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 0;
    case arrow::TimeUnit::MILLI:
      return 3;
    case arrow::TimeUnit::MICRO:
      return 6;
    case arrow::TimeUnit::NANO:
      return 9;
  }
  return 9;
}

LogicalType fine(TypeKind kind, int digits) { return {kind, digits}; }

// What a type of the target holds, as a type of a source.
LogicalType logical_of(const Type& type) {
  switch (type.base) {
    case Base::number:
      return {TypeKind::decimal, type.precision, type.scale};
    case Base::real:
      return {TypeKind::float64};
    case Base::boolean:
      return {TypeKind::boolean};
    case Base::binary:
      return {TypeKind::bytes, 0, 0, type.length};
    case Base::date:
      return {TypeKind::date};
    case Base::time:
      return fine(TypeKind::time, type.scale);
    // Always as text: an instant keeps the offset that it was written with.
    case Base::timestamp_ntz:
      return fine(TypeKind::timestamp, 9);
    case Base::timestamp_ltz:
    case Base::timestamp_tz:
      return fine(TypeKind::timestamp_tz, 9);
    case Base::variant:
    case Base::object:
    case Base::array:
      return {TypeKind::json};
    case Base::varchar:
      return {TypeKind::text, 0, 0, type.length};
    case Base::geography:
    case Base::geometry:
      return {TypeKind::text};
  }
  return {};
}

ColumnPlan column(const std::string& name_in_file, const std::string& type_in_file, const std::string& target_name,
                  bool nullable, const LogicalType& logical, const TypeChoice& choice) {
  ColumnPlan plan;
  plan.source_name = name_in_file;
  plan.source_type = type_in_file;
  plan.nullable = nullable;
  plan.logical = logical;
  plan.carrier = choice.carrier;
  plan.target_name = target_name;
  plan.target_type = choice.target_type;
  plan.load_expression = choice.load_expression;
  plan.refusal = choice.refusal;
  plan.refusal_hint = choice.hint;
  plan.least = choice.least;
  plan.most = choice.most;
  return plan;
}

// Digits of their own, and texts of moments, are the only values that travel as text without being text.
bool has_text(const LogicalType& logical) {
  return logical.kind == TypeKind::text || ((logical.kind == TypeKind::time || logical.kind == TypeKind::timestamp ||
                                             logical.kind == TypeKind::timestamp_tz) &&
                                            logical.precision > 6);
}

}  // namespace

std::optional<LogicalType> logical_type_of(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return LogicalType{TypeKind::boolean};
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
    case arrow::Type::INT16:
      return LogicalType{TypeKind::int16};
    case arrow::Type::UINT16:
    case arrow::Type::INT32:
      return LogicalType{TypeKind::int32};
    case arrow::Type::UINT32:
    case arrow::Type::INT64:
      return LogicalType{TypeKind::int64};
    case arrow::Type::UINT64:
      return LogicalType{TypeKind::decimal, 20, 0};
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
      return LogicalType{TypeKind::float32};
    case arrow::Type::DOUBLE:
      return LogicalType{TypeKind::float64};
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      if (decimal.scale() < 0 || decimal.scale() > decimal.precision()) return std::nullopt;
      return LogicalType{TypeKind::decimal, decimal.precision(), decimal.scale()};
    }
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return LogicalType{TypeKind::text};
    case arrow::Type::DICTIONARY:
      return logical_type_of(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
      return LogicalType{TypeKind::bytes};
    case arrow::Type::FIXED_SIZE_BINARY:
      return LogicalType{TypeKind::bytes, 0, 0, static_cast<const arrow::FixedSizeBinaryType&>(type).byte_width()};
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return LogicalType{TypeKind::date};
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return fine(TypeKind::time, fraction_of(static_cast<const arrow::TimeType&>(type).unit()));
    case arrow::Type::TIMESTAMP: {
      const auto& moment = static_cast<const arrow::TimestampType&>(type);
      return fine(moment.timezone().empty() ? TypeKind::timestamp : TypeKind::timestamp_tz, fraction_of(moment.unit()));
    }
    default:
      return std::nullopt;
  }
}

ColumnPlan plan_text(const std::string& name_in_file, const DeployedColumn& deployed) {
  const auto type = snowflake::parse_type(deployed.type);
  if (!type) {
    TypeChoice refused;
    refused.refusal = "the table's column has the type " + deployed.type + ", which text cannot be loaded into";
    return column(name_in_file, "text", deployed.name, deployed.nullable, {}, refused);
  }
  const LogicalType logical = logical_of(*type);
  const bool moment = type->base >= Base::timestamp_ntz && type->base <= Base::timestamp_tz;
  Type holding = *type;
  if (moment) holding.scale = 9;  // finer digits are refused when a cell is read
  TypeChoice choice = snowflake::choose_type(logical, deployed.name, "", to_string(holding));
  if (moment) choice.target_type = to_string(*type);
  return column(name_in_file, "text", deployed.name, deployed.nullable, logical, choice);
}

ColumnPlan plan_arrow(const std::string& name_in_file, const arrow::DataType& type, const std::string& target_name,
                      const DeployedColumn* deployed) {
  const std::string written = type.ToString();
  const auto logical = logical_type_of(type);
  TypeChoice choice;
  if (!logical) {
    choice.refusal = "columns of " + written + " cannot be loaded";
    choice.hint = "write it as text, JSON text for a VARIANT";
  } else if (logical->kind == TypeKind::text && deployed != nullptr) {
    ColumnPlan plan = plan_text(name_in_file, *deployed);
    plan.source_type = written;
    return plan;
  } else {
    choice = snowflake::choose_type(*logical, target_name, "", deployed != nullptr ? deployed->type : "");
    if (choice.refusal.empty() && choice.carrier.kind == CarrierKind::utf8 && !has_text(*logical))
      choice.refusal = "the file's column is " + written + ", of which no text for " + choice.target_type + " is made";
    if (!choice.refusal.empty()) {
      if (deployed != nullptr && choice.target_type.empty())
        choice.refusal = "the file's column is " + written + ", and the table's " + deployed->type +
                         " does not hold every such value";
      choice.hint = "cast the column in the file, or change its type in the table";
    }
  }
  return column(name_in_file, written, target_name, deployed == nullptr || deployed->nullable,
                logical.value_or(LogicalType{}), choice);
}

}  // namespace pulk
