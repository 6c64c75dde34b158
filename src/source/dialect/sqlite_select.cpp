#include <algorithm>

#include "base/error.h"
#include "source/dialect/clauses.h"
#include "source/dialect/sqlite.h"

namespace pulk::sqlite {
namespace {

// A double holds every decimal number of 15 significant digits, no two of them in the same double.
constexpr int kExactDigits = 15;
// SQLite refuses expressions that are nested more than 1,000 deep, which a sum of so many terms is.
constexpr int kLongestSum = 500;

// In SQLite's order of values NULL and numbers come before all text, and text before all blobs: one comparison tells
// the classes apart at a third of the price of typeof(). COLLATE keeps a user's own collation out of it.
std::string is_text_or_blob(const std::string& column) { return column + " COLLATE BINARY >= ''"; }
std::string is_blob(const std::string& column) { return column + " >= x''"; }
std::string has_nul(const std::string& column) { return "instr(" + column + ", char(0)) > 0"; }

// SQLite prints 20 digits with an error far below half the distance of two doubles, so that the nearest double of the
// printed text is the stored one. Its plain conversion to text stops at 15 digits and loses bits.
std::string twenty_digits(const std::string& tag, const std::string& column) {
  return "printf('" + tag + "%!.20g', " + column + ")";
}

std::string power_of_ten(int exponent) { return "1" + std::string(static_cast<std::size_t>(exponent), '0'); }

std::string tagged(const std::string& column) {
  return "CASE typeof(" + column + ") WHEN 'real' THEN " + twenty_digits("r", column) + " ELSE 't' || " + column + " END";
}

// Most reals in a decimal column are the double nearest to a decimal of the declared scale. k / 10^s is rounded
// correctly by IEEE 754, so k / 10^s = c proves that c is the nearest double of k * 10^-s, and below 15 digits there
// is only one such k. An integer then travels in place of 20 digits; the rest takes the long way.
std::string decimal(const std::string& column, int scale) {
  if (scale >= kExactDigits) return tagged(column);
  const std::string factor = power_of_ten(scale) + ".0";
  const std::string limit = power_of_ten(kExactDigits - scale) + ".0";
  const std::string scaled = "round(" + column + " * " + factor + ")";
  return "CASE WHEN " + scaled + " / " + factor + " = " + column + " AND " + column + " > -" + limit + " AND " + column +
         " < " + limit + " THEN CAST(" + scaled + " AS INTEGER) ELSE " + tagged(column) + " END";
}

std::string expression(CellForm form, const ColumnPlan& plan, const std::string& column) {
  switch (form) {
    case CellForm::real: return "CASE WHEN " + column + " IS NOT NULL THEN " + twenty_digits("", column) + " END";
    case CellForm::decimal: return decimal(column, plan.carrier.scale);
    case CellForm::tagged: return tagged(column);
    default: return column;
  }
}

// When a value does not belong into the column and its text would not show it.
std::string wrong_class(CellForm form, const std::string& column) {
  switch (form) {
    case CellForm::integer:
    case CellForm::boolean:
    case CellForm::real: return is_text_or_blob(column);
    case CellForm::decimal:
    case CellForm::tagged:
      return is_text_or_blob(column) + " AND (" + is_blob(column) + " OR " + has_nul(column) + ")";
    case CellForm::bytes: return column + " < x''";
    // A number in a column of text would travel with 15 digits.
    case CellForm::text: return column + " COLLATE BINARY < '' OR " + is_blob(column);
    case CellForm::date:
    case CellForm::time:
    case CellForm::timestamp: return is_blob(column);
  }
  return "0";
}

bool is_plain_text(CellForm form) {
  return form == CellForm::text || form == CellForm::date || form == CellForm::time || form == CellForm::timestamp;
}

}  // namespace

CellForm cell_form(const ColumnPlan& column) {
  switch (column.carrier.kind) {
    case CarrierKind::boolean: return CellForm::boolean;
    case CarrierKind::int16:
    case CarrierKind::int32:
    case CarrierKind::int64: return CellForm::integer;
    case CarrierKind::float64: return CellForm::real;
    case CarrierKind::decimal128: return CellForm::decimal;
    case CarrierKind::binary: return CellForm::bytes;
    case CarrierKind::date32: return CellForm::date;
    case CarrierKind::time64_us: return CellForm::time;
    case CarrierKind::timestamp_us: return CellForm::timestamp;
    case CarrierKind::utf8: {
      // Only a column with text affinity holds nothing but text and blobs; others need the class with the value.
      const auto declared = declared_type(column.source_type).logical;
      return declared && declared->kind == TypeKind::text ? CellForm::text : CellForm::tagged;
    }
    case CarrierKind::float32:
    case CarrierKind::time64_ns:
    case CarrierKind::timestamp_ns:
    case CarrierKind::timestamp_us_utc:
    case CarrierKind::uuid:
    case CarrierKind::json: break;
  }
  throw Error(ErrorKind::internal, "SQLite gives no " + to_string(column.carrier), column.source_name);
}

RowSelect select_rows(const std::vector<ColumnPlan>& columns, const std::string& from,
                      const std::vector<std::string>& conditions, bool utf8, std::int64_t max_rows) {
  RowSelect select;
  for (const ColumnPlan& column : columns) select.forms.push_back(cell_form(column));
  const auto plain = std::count_if(select.forms.begin(), select.forms.end(), is_plain_text);
  const bool by_length = utf8 && plain <= kLongestSum;

  std::string wrong;
  std::string lengths;
  std::string cells;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const CellForm form = select.forms[i];
    const std::string column = quote(columns[i].source_name);
    const bool counted = by_length && is_plain_text(form);
    select.counted.push_back(counted);
    std::string bad = wrong_class(form, column);
    if (is_plain_text(form) && !counted) bad += " OR " + has_nul(column);
    wrong += " WHEN " + bad + " THEN -" + std::to_string(i + 1);
    if (counted) {
      lengths += (lengths.empty() ? "" : " + ") + ("ifnull(length(CAST(" + column + " AS BLOB)), 0)");
    }
    cells += ", " + expression(form, columns[i], column);
  }
  select.sql = "SELECT CASE" + wrong + " ELSE " + (lengths.empty() ? "0" : lengths) + " END" + cells + " FROM " + from +
               where_clause(conditions);
  if (max_rows >= 0) select.sql += " LIMIT " + std::to_string(max_rows);
  return select;
}

}  // namespace pulk::sqlite
