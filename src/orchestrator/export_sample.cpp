#include "orchestrator/export_sample.h"

#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <random>

#include "base/strings.h"
#include "exporter/file_writer.h"
#include "exporter/sample_rows.h"
#include "orchestrator/place.h"

namespace pulk {
namespace {

constexpr std::int64_t kMomentOfSeeds = 1'769'623'202'424'560;  // 2026-01-28 18:00:02.424560

std::int64_t now_in_microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void write(Destination& place, const std::string& path, FileType type,
           const std::shared_ptr<arrow::RecordBatch>& rows) {
  ExportEntry entry;
  entry.type = type;
  entry.path = path;
  const auto writer = make_file_writer(
      entry, rows->schema(),
      [&](const std::string&, int) { return place.create(path, content_type(entry)); }, arrow::default_memory_pool());
  writer->write(rows);
  writer->finish();
}

}  // namespace

void export_sample(const SampleOptions& options, const std::function<void(const std::string&)>& say,
                   CancelToken& cancel) {
  say("Generating sample data...");
  const std::uint64_t seed = options.seed.value_or(std::random_device{}());
  const std::int64_t now = options.seed ? kMomentOfSeeds : now_in_microseconds();
  const auto orders = sample_orders(seed, now);
  const auto customers = sample_customers(seed, now);
  const std::string done = options.unicode ? "  ✓ " : "  ok ";

  if (!options.to_bucket) {
    const auto here = open_place("file://" + std::filesystem::current_path().string(), "the current folder", cancel);
    here->check("");
    write(*here, "test_orders.parquet", FileType::parquet, orders);
    write(*here, "test_orders.csv", FileType::csv, orders);
    write(*here, "test_customers.parquet", FileType::parquet, customers);
    say("\nOrders:\n" + first_rows(*orders, 5));
    say("Customers:\n" + first_rows(*customers, 3));
    for (const char* name : {"test_orders.parquet", "test_orders.csv", "test_customers.parquet"}) say(done + name);
    return;
  }

  say("Connecting to S3...");
  read_env_file(options.env_file);
  const auto bucket = open_place("", "", cancel);
  bucket->check("test/orders.parquet");
  const auto upload = [&](const std::string& what, const std::string& path, FileType type, const auto& rows) {
    say("Uploading " + what + "...");
    write(*bucket, path, type, rows);
    say(done + bucket->url_of(path));
  };
  upload("orders (parquet)", "test/orders.parquet", FileType::parquet, orders);
  upload("orders (csv)", "test/orders.csv", FileType::csv, orders);
  upload("customers (parquet)", "test/customers.parquet", FileType::parquet, customers);
  say("\nS3 export complete!");
}

}  // namespace pulk
