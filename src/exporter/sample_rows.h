// The sample of `pulk export --sample`: 100 orders and 20 customers that look real. The same seed gives the same rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace arrow {
class RecordBatch;
}

namespace pulk {

// order_id ("ORD_000001"), customer_id ("CUST_0011"), product, quantity, price, created_at: within 30 days before
// `now`, in microseconds since 1970.
std::shared_ptr<arrow::RecordBatch> sample_orders(std::uint64_t seed, std::int64_t now);
// customer_id, name ("Customer 1"), email, city, created_at: within the year before `now`.
std::shared_ptr<arrow::RecordBatch> sample_customers(std::uint64_t seed, std::int64_t now);

// The first rows as people read them, a number before each.
std::string first_rows(const arrow::RecordBatch& batch, std::int64_t rows);

}  // namespace pulk
