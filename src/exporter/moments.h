// Moments that came as whole numbers of nanoseconds since 1970 (decimals of scale 0), because the carrier of the driver
// ends in the year 2262: made into timestamps of microseconds for Parquet, into text with nine digits for CSV and JSON.
// Pure functions.
#pragma once

#include <memory>
#include <string>

namespace arrow {
class Array;
class Field;
}  // namespace arrow

namespace pulk {

// The column as it leaves; an instant is in UTC. Text carries the metadata
// "pulk.moment", so that it is written like a moment (no quotes are needed around it).
std::shared_ptr<arrow::Field> moment_field(const std::string& name, bool instant, bool microseconds);

// `separator` stands between date and time in text. Throws Error(refused) for a value with digits that microseconds do
// not have; it names column, table and value.
std::shared_ptr<arrow::Array> moments_of(const arrow::Array& nanoseconds, const arrow::Field& field, char separator,
                                         const std::string& table);

}  // namespace pulk
