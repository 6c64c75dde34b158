// Where the rows of exports come from.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "config/export_file.h"
#include "config/snowflake_connection.h"
#include "source/source.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace pulk {

// The rows of one export as they arrive; belongs to one thread, and owns the session that they come from.
class ExportRows {
 public:
  virtual ~ExportRows() = default;
  virtual std::shared_ptr<arrow::Schema> schema() const = 0;
  // nullptr after the last. Throws Error. A result that ends early is an error.
  virtual std::shared_ptr<arrow::RecordBatch> next() = 0;
};

// Thrown by next() when a value does not fit the carrier that was chosen; open() with `exact_moments` has one that
// holds every value. What was written so far is of no use.
class MomentDoesNotFit {};

struct ExportShape {
  int columns = 0;
  std::vector<std::string> notes;  // "column Z: TIMESTAMP_TZ as text with its offset"
};

// Thread-safe.
class ExportSource {
 public:
  virtual ~ExportSource() = default;
  // What an export will look like; no row is read. Throws Error, with all columns that cannot travel.
  virtual ExportShape describe(const ExportEntry& entry) = 0;
  // Runs the query of the export in a session of its own.
  virtual std::unique_ptr<ExportRows> open(const ExportEntry& entry, bool exact_moments) = 0;
};

// Moments: the driver's timestamps of more than six digits are nanoseconds of 64 bits, which hold the years 1678 to
// 2261. With `exact_moments` they come as whole numbers and leave as microseconds in Parquet (a value that has finer
// digits is refused by name), as text with nine digits in CSV and JSON. TIMESTAMP_TZ, whose offset no carrier has, is
// text like "2026-11-21 18:00:02.424560000 +02:00". `connection` and `cancel` (which may be null) must outlive the
// source.
std::unique_ptr<ExportSource> make_snowflake_export_source(const SnowflakeConnection& connection, CancelToken* cancel);

// Tables and queries of a database that pulk can migrate from, all as of one moment where the database has one.
// `lanes`: exports that are read at the same time. Every value travels as it does in a migration; uuid is text, and
// partition_by is refused for a table, because only a query can say the order. Opens nothing before the first export.
std::unique_ptr<ExportSource> make_database_export_source(std::unique_ptr<Source> source,
                                                          const std::vector<ExportEntry>& exports, int lanes);

// A DuckDB file, opened for reading only. What Arrow has no exact type for leaves as text, nested values as JSON.
// `cancel` may be null and must outlive the source.
std::unique_ptr<ExportSource> make_duckdb_export_source(const std::string& path, std::int64_t memory,
                                                        CancelToken* cancel);

}  // namespace pulk
