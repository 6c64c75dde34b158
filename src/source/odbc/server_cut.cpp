#include "source/odbc/server_cut.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/odbc/cell_parser.h"
#include "source/odbc/catalog_rows.h"

namespace pulk::odbc {
namespace {

// Sampled rows per wanted piece: the pieces then differ by some ten percent.
constexpr std::int64_t kPointsPerPiece = 20;
constexpr std::int64_t kMostPoints = 2'000;

struct Boundary {
  std::vector<std::string> literals;
  std::vector<std::string> shown;
  bool operator==(const Boundary& other) const { return literals == other.literals; }
};

struct Key {
  std::vector<const SourceColumn*> columns;
  std::vector<std::string> quoted;
  std::vector<std::string> nullable;  // quoted names
};

Key key_of(const ServerDialect& dialect, const TableInfo& table, const std::vector<std::string>& names) {
  Key key;
  for (const std::string& name : names) {
    const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                     [&](const SourceColumn& c) { return c.name == name; });
    if (column == table.columns.end())
      throw Error(ErrorKind::usage, "there is no column " + name + " to partition by", table.object.name.display());
    key.columns.push_back(&*column);
    key.quoted.push_back(dialect.quote(name));
    if (column->nullable) key.nullable.push_back(key.quoted.back());
  }
  return key;
}

std::string tuple(const std::vector<std::string>& parts) {
  return parts.size() == 1 ? parts[0] : "(" + join(parts, ", ") + ")";
}

std::string names_of(const Key& key) {
  std::vector<std::string> names;
  for (const SourceColumn* column : key.columns) names.push_back(column->name);
  return tuple(names);
}

// key >= boundary in the order of the columns, or key > boundary. A comparison of rows would mean the same, but servers do not seek by it:
// the condition on the first column alone, which follows from the rest, is what they seek by.
std::string after(const Key& key, const Boundary& boundary, bool or_at) {
  std::string text;
  for (std::size_t i = key.quoted.size(); i-- > 0;) {
    const std::string& column = key.quoted[i];
    const std::string& value = boundary.literals[i];
    text = text.empty() ? column + (or_at ? " >= " : " > ") + value
                        : column + " > " + value + " OR " + column + " = " + value + " AND (" + text + ")";
  }
  if (key.quoted.size() == 1) return text;
  return key.quoted[0] + " >= " + boundary.literals[0] + " AND (" + text + ")";
}

std::string at_or_after(const Key& key, const Boundary& boundary) { return after(key, boundary, true); }

std::string before(const Key& key, const Boundary& boundary) {
  std::string text;
  for (std::size_t i = key.quoted.size(); i-- > 0;) {
    const std::string& column = key.quoted[i];
    const std::string& value = boundary.literals[i];
    text = text.empty() ? column + " < " + value
                        : column + " < " + value + " OR " + column + " = " + value + " AND (" + text + ")";
  }
  if (key.quoted.size() == 1) return text;
  return key.quoted[0] + " <= " + boundary.literals[0] + " AND (" + text + ")";
}

std::string no_null(const Key& key) {
  std::string text;
  for (const std::string& column : key.nullable) text += (text.empty() ? "" : " AND ") + column + " IS NOT NULL";
  return text;
}

class Seeker {
 public:
  Seeker(Connection& connection, const ServerDialect& dialect, const TableInfo& table, const Key& key)
      : connection_(connection),
        dialect_(dialect),
        from_(dialect.from_item(table.object)),
        filter_(table.object.filter),
        key_(key) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < key.columns.size(); ++i) parts.push_back(dialect.literal_of(*key.columns[i], key.quoted[i]));
    for (std::size_t i = 0; i < key.columns.size(); ++i) parts.push_back(dialect.shown_of(*key.columns[i], key.quoted[i]));
    select_ = join(parts, ", ");
  }

  // The key of the row that is `offset` rows after the first one that meets the condition.
  std::optional<Boundary> at(const std::string& condition, std::int64_t offset) {
    const auto rows = connection_.query("SELECT " + select_ + " FROM " + from_ +
                                        where_clause({filter_, no_null(key_), condition}) + " ORDER BY " +
                                        join(key_.quoted, ", ") + dialect_.one_row_at(offset));
    if (rows.empty()) return std::nullopt;
    Boundary boundary;
    for (std::size_t i = 0; i < key_.columns.size(); ++i) {
      boundary.literals.push_back(rows[0][i].value_or("NULL"));
      boundary.shown.push_back(rows[0][key_.columns.size() + i].value_or("NULL"));
    }
    return boundary;
  }

  std::optional<Boundary> last() {
    std::vector<std::string> descending;
    for (const std::string& column : key_.quoted) descending.push_back(column + " DESC");
    const auto rows = connection_.query("SELECT " + select_ + " FROM " + from_ + where_clause({no_null(key_)}) +
                                        " ORDER BY " + join(descending, ", ") + dialect_.one_row_at(0));
    if (rows.empty()) return std::nullopt;
    Boundary boundary;
    for (std::size_t i = 0; i < key_.columns.size(); ++i) {
      boundary.literals.push_back(rows[0][i].value_or("NULL"));
      boundary.shown.push_back(rows[0][key_.columns.size() + i].value_or("NULL"));
    }
    return boundary;
  }

 private:
  Connection& connection_;
  const ServerDialect& dialect_;
  std::string from_, filter_, select_;
  const Key& key_;
};

// Every n-th key, by steps along the index: one pass over it. Exact, also with a filter.
std::vector<Boundary> counted(Seeker& seeker, const Key& key, std::int64_t n) {
  std::vector<Boundary> found;
  std::set<std::vector<std::string>> seen;
  std::string from_here;
  while (auto next = seeker.at(from_here, n)) {
    // Equal keys cannot be parted: a step that ends inside a run of them goes on to the key after the run.
    if (!found.empty() && *next == found.back()) {
      next = seeker.at(after(key, *next, false), 0);
      if (!next) break;
    }
    if (!seen.insert(next->literals).second)
      throw Error(ErrorKind::refused,
                  "ranges of " + names_of(key) + " cannot be told exactly: a literal of it is another value");
    found.push_back(*next);
    from_here = at_or_after(key, *next);
  }
  return found;
}

// Keys at values that are spread evenly between the first and the last; nothing when most of them meet the same rows.
std::vector<Boundary> spread(Seeker& seeker, const ServerDialect& dialect, const Key& key, std::int64_t points,
                             std::int64_t pieces) {
  const auto first = seeker.at("", 0);
  const auto last = seeker.last();
  if (!first || !last) return {};
  const auto low = parse_integer(first->shown[0]);
  const auto high = parse_integer(last->shown[0]);
  if (!low || !high) return {};
  const Int128 span = static_cast<Int128>(*high) - *low;
  std::vector<Boundary> sample;
  for (std::int64_t i = 0; i < points; ++i) {
    const auto value = static_cast<std::int64_t>(*low + span * i / points);
    const auto found = seeker.at(key.quoted[0] + " >= " + dialect.integer_literal(value), 0);
    if (found && (sample.empty() || !(sample.back() == *found))) sample.push_back(*found);
  }
  if (static_cast<std::int64_t>(sample.size()) * 4 < points) return {};
  std::vector<Boundary> boundaries;
  for (std::int64_t i = 1; i < pieces; ++i) {
    const auto at = static_cast<std::size_t>(i * static_cast<std::int64_t>(sample.size()) / pieces);
    if (at > 0 && (boundaries.empty() || !(boundaries.back() == sample[at]))) boundaries.push_back(sample[at]);
  }
  return boundaries;
}

bool is_integer(const SourceColumn& column) {
  return column.logical && (column.logical->kind == TypeKind::int16 || column.logical->kind == TypeKind::int32 ||
                            column.logical->kind == TypeKind::int64);
}

PartitionPlan range(const Key& key, const Boundary* lower, const Boundary* upper) {
  PartitionPlan part;
  part.kind = PartitionKind::key_range;
  std::vector<std::string> conditions;
  if (lower != nullptr) conditions.push_back("(" + at_or_after(key, *lower) + ")");
  if (upper != nullptr) conditions.push_back("(" + before(key, *upper) + ")");
  // (1, NULL) is before (2, 0): without this a row with NULL in its key would be in two partitions.
  if (key.quoted.size() > 1 && !key.nullable.empty()) conditions.push_back(no_null(key));
  part.predicate = join(conditions, " AND ");
  const std::string name = names_of(key);
  if (lower != nullptr && upper != nullptr) {
    part.display = name + " in [" + tuple(lower->shown) + ", " + tuple(upper->shown) + ")";
  } else {
    part.display = lower != nullptr ? name + " >= " + tuple(lower->shown) : name + " < " + tuple(upper->shown);
  }
  return part;
}

}  // namespace

std::string why_no_key(const ServerDialect& dialect, const TableInfo& table, const std::vector<std::string>& key) {
  if (const std::string why = dialect.why_no_ranges(); !why.empty()) return why;
  for (const std::string& name : key)
    for (const SourceColumn& column : table.columns)
      if (column.name == name && !dialect.can_be_key(column))
        return "ranges of " + name + " (" + column.native_type + ") cannot be told exactly";
  return "";
}

std::vector<PartitionPlan> cut_table(Connection& connection, const ServerDialect& dialect, const TableInfo& table,
                                     const PartitionRequest& request) {
  if (request.physical)
    throw Error(ErrorKind::usage, "this server has no page ranges", table.object.name.display());
  PartitionPlan whole;
  whole.display = "all rows";
  whole.rows_estimate = table.rows_estimate;
  whole.bytes_estimate = table.bytes_estimate;

  std::int64_t pieces = request.pieces;
  const std::int64_t largest = dialect.largest_partition_bytes();
  if (largest > 0 && table.bytes_estimate > 0) pieces = std::max(pieces, (table.bytes_estimate + largest - 1) / largest);
  if (request.max_rows > 0 && table.rows_estimate >= 0)
    pieces = std::max(pieces, (table.rows_estimate + request.max_rows - 1) / request.max_rows);
  const std::vector<std::string>& names = request.key.empty() ? table.primary_key : request.key;
  if (names.empty() || (pieces < 2 && request.max_rows <= 0)) return {whole};
  if (const std::string why = why_no_key(dialect, table, names); !why.empty()) {
    // A key that the user names must work; the primary key was only an offer.
    if (names != table.primary_key) throw Error(ErrorKind::usage, why, table.object.name.display(),
                  dialect.why_no_ranges().empty() ? "name another column" : "remove columnNamesToPartitionBy");
    return {whole};
  }

  const Key key = key_of(dialect, table, names);
  Seeker seeker(connection, dialect, table, key);
  std::vector<Boundary> boundaries;
  if (request.max_rows <= 0 && key.columns.size() == 1 && is_integer(*key.columns[0]))
    boundaries = spread(seeker, dialect, key, std::min(kMostPoints, pieces * kPointsPerPiece), pieces);
  if (boundaries.empty()) {
    std::int64_t rows = table.rows_estimate;
    if (rows < 0)
      rows = to_number(connection.value("SELECT count(*) FROM " + dialect.from_item(table.object) +
                                        where_clause({table.object.filter})));
    boundaries = counted(seeker, key, request.max_rows > 0 ? request.max_rows : std::max<std::int64_t>(1, rows / pieces));
  }
  if (boundaries.empty()) return {whole};

  std::vector<PartitionPlan> parts;
  for (std::size_t i = 0; i <= boundaries.size(); ++i) {
    parts.push_back(range(key, i == 0 ? nullptr : &boundaries[i - 1], i == boundaries.size() ? nullptr : &boundaries[i]));
    const auto ranges = static_cast<std::int64_t>(boundaries.size()) + 1;
    if (table.rows_estimate >= 0) parts.back().rows_estimate = (table.rows_estimate + ranges - 1) / ranges;
    if (table.bytes_estimate >= 0) parts.back().bytes_estimate = table.bytes_estimate / ranges;
  }
  if (!key.nullable.empty()) {
    PartitionPlan part;
    part.kind = PartitionKind::key_null;
    for (const std::string& column : key.nullable)
      part.predicate += (part.predicate.empty() ? "" : " OR ") + column + " IS NULL";
    part.display = names_of(key) + " is NULL";
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace pulk::odbc
