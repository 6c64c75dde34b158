#include "exporter/sample_rows.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "exporter/cell_text.h"

namespace pulk {
namespace {

constexpr int kOrders = 100, kCustomers = 20;
constexpr std::int64_t kDay = 86'400'000'000;
constexpr std::array<std::string_view, 4> kProducts{"Widget", "Gadget", "Gizmo", "Doohickey"};
constexpr std::array<std::string_view, 5> kCities{"New York", "Los Angeles", "Chicago", "Houston", "Phoenix"};

// std::uniform_int_distribution differs between libraries, and a seed is to mean the same rows everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::int64_t below(std::int64_t end) { return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(end)); }
  template <std::size_t N>
  std::string one_of(const std::array<std::string_view, N>& all) {
    return std::string(all[static_cast<std::size_t>(below(N))]);
  }

 private:
  std::mt19937_64 engine_;
};

template <typename Builder>
std::shared_ptr<arrow::Array> finished(Builder& builder) {
  auto array = builder.Finish();
  if (!array.ok()) throw Error(ErrorKind::internal, array.status().ToString());
  return *array;
}

template <typename Builder, typename Value>
void add(Builder& builder, const Value& value) {
  if (const arrow::Status status = builder.Append(value); !status.ok())
    throw Error(ErrorKind::internal, status.ToString());
}

std::shared_ptr<arrow::DataType> moment() { return arrow::timestamp(arrow::TimeUnit::MICRO); }

}  // namespace

std::shared_ptr<arrow::RecordBatch> sample_orders(std::uint64_t seed, std::int64_t now) {
  Dice dice(seed);
  arrow::StringBuilder id, customer, product;
  arrow::Int64Builder quantity;
  arrow::DoubleBuilder price;
  arrow::TimestampBuilder created(moment(), arrow::default_memory_pool());
  for (int i = 1; i <= kOrders; ++i) {
    add(id, fmt::format("ORD_{:06}", i));
    add(customer, fmt::format("CUST_{:04}", 1 + dice.below(kCustomers)));
    add(product, dice.one_of(kProducts));
    add(quantity, 1 + dice.below(10));
    add(price, static_cast<double>(1'000 + dice.below(49'001)) / 100);
    add(created, now - dice.below(30) * kDay);
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("order_id", arrow::utf8()), arrow::field("customer_id", arrow::utf8()),
                     arrow::field("product", arrow::utf8()), arrow::field("quantity", arrow::int64()),
                     arrow::field("price", arrow::float64()), arrow::field("created_at", moment())}),
      kOrders,
      {finished(id), finished(customer), finished(product), finished(quantity), finished(price), finished(created)});
}

std::shared_ptr<arrow::RecordBatch> sample_customers(std::uint64_t seed, std::int64_t now) {
  Dice dice(seed + 1);
  arrow::StringBuilder id, name, email, city;
  arrow::TimestampBuilder created(moment(), arrow::default_memory_pool());
  for (int i = 1; i <= kCustomers; ++i) {
    add(id, fmt::format("CUST_{:04}", i));
    add(name, fmt::format("Customer {}", i));
    add(email, fmt::format("customer{}@example.com", i));
    add(city, dice.one_of(kCities));
    add(created, now - dice.below(365) * kDay);
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("customer_id", arrow::utf8()), arrow::field("name", arrow::utf8()),
                     arrow::field("email", arrow::utf8()), arrow::field("city", arrow::utf8()),
                     arrow::field("created_at", moment())}),
      kCustomers, {finished(id), finished(name), finished(email), finished(city), finished(created)});
}

std::string first_rows(const arrow::RecordBatch& batch, std::int64_t rows) {
  rows = std::min(rows, batch.num_rows());
  std::vector<std::vector<std::string>> columns(1, {""});
  for (std::int64_t row = 0; row < rows; ++row) columns[0].push_back(std::to_string(row));
  for (int i = 0; i < batch.num_columns(); ++i) {
    const auto text = cell_text(*batch.schema()->field(i), batch.column(i), ' ');
    std::vector<std::string> column{batch.schema()->field(i)->name()};
    for (std::int64_t row = 0; row < rows; ++row) text->append(row, column.emplace_back());
    columns.push_back(std::move(column));
  }
  std::string out;
  for (std::size_t line = 0; line <= static_cast<std::size_t>(rows); ++line) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      std::size_t width = 0;
      for (const std::string& cell : columns[i]) width = std::max(width, cell.size());
      out += fmt::format("{}{:>{}}", i == 0 ? "" : "  ", columns[i][line], width);
    }
    out += '\n';
  }
  return out;
}

}  // namespace pulk
