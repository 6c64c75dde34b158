#include "warehouse/choose_type.h"

#include <utility>

#include "warehouse/sql_type.h"

namespace pulk {

namespace {

TypeChoice refuse(std::string why, std::string hint) {
  TypeChoice choice;
  choice.refusal = std::move(why);
  choice.hint = std::move(hint);
  return choice;
}

TypeChoice accept(const Fitness& fit, const std::string& written, const std::string& column) {
  TypeChoice choice;
  choice.target_type = written;
  choice.carrier = fit.carrier;
  if (!column.empty()) choice.load_expression = fit.cast ? "CAST(" + column + " AS " + written + ")" : column;
  choice.note = fit.why;
  // 1677-09-22 to 2262-04-11 23:47:16.854775806: DuckDB's TIMESTAMP_NS, measured with 1.5. The largest number is its
  // infinity, and it reads the days before as they come and fails when they are shown.
  if (fit.carrier.kind == CarrierKind::timestamp_ns)
    choice.least = -9223286400000000000, choice.most = 9223372036854775806;
  return choice;
}

}  // namespace

TypeChoice choose_sql_type(const LogicalType& logical, const std::string& mapped, const std::string& deployed,
                           const std::string& column) {
  if (deployed.empty() && mapped.empty()) {
    const NaturalType natural = natural_type(logical);
    TypeChoice choice;
    choice.target_type = to_string(natural.type);
    choice.carrier = natural.carrier;
    choice.load_expression = column;
    choice.note = natural.note;
    return choice;
  }

  const std::string source = to_string(logical);
  // What stands in the target decides, whatever the mapping says: its type is kept.
  const std::string& written = deployed.empty() ? mapped : deployed;
  const auto type = parse_sql_type(written);
  if (!type) {
    if (deployed.empty())
      return refuse("the mapped type " + mapped + " is none that this target can be given",
                    "map to VARCHAR, DECIMAL(p,s), BIGINT, DOUBLE, TIMESTAMP or another plain type");
    return refuse("the target column has the type " + deployed + ", which " + source + " cannot be loaded into",
                  "change the column's type in the target");
  }
  Fitness fit = fitness(logical, *type);
  if (fit.fit != Fit::never && fit.cast && column.empty())
    fit = {Fit::never, {}, false, "files have no casts, the column would stay what it is"};
  const std::string because = fit.why.empty() ? "" : ": " + fit.why;
  if (!deployed.empty()) {
    if (fit.fit == Fit::never)
      return refuse("the target column has the type " + deployed + ", which does not hold every " + source + because,
                    column.empty() ? "name another target table, or map the column to the type that the files have"
                                   : "change the column's type in the target, or leave the column out by a query");
    return accept(fit, deployed, column);
  }
  if (fit.fit != Fit::exact)
    return refuse(source + " mapped to " + mapped + " is not exact for every value" + because,
                  "map it to a type that holds every value, VARCHAR does; or convert it in a query");
  return accept(fit, to_string(*type), column);
}

}  // namespace pulk
