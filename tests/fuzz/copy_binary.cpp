// Fuzzes the decoder of COPY BINARY: whatever a server sends, the decoder gives whole Arrow batches or throws pulk's Error.
//
// Input: a byte that chooses the columns, a byte of flags, then messages, each after its length in two bytes.

#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "source/postgres/row_decoder.h"

namespace {

using pulk::Carrier;
using pulk::CarrierKind;
using pulk::postgres::Decode;
using pulk::postgres::ReadColumn;

ReadColumn column(Decode decode, CarrierKind kind, int precision = 0, int scale = 0, bool nullable = true) {
  ReadColumn read;
  read.decode = decode;
  read.plan.source_name = read.plan.target_name = "c";
  read.plan.source_type = "type";
  read.plan.carrier = {kind, precision, scale};
  read.plan.nullable = nullable;
  return read;
}

std::vector<std::vector<ReadColumn>> column_sets() {
  return {
      {column(Decode::int32, CarrierKind::int32, 0, 0, false)},
      {column(Decode::text, CarrierKind::utf8)},
      {column(Decode::numeric_decimal, CarrierKind::decimal128, 38, 10)},
      {column(Decode::numeric_decimal, CarrierKind::decimal128, 10, 2, false)},
      {column(Decode::numeric_integer, CarrierKind::int64), column(Decode::numeric_integer, CarrierKind::int16)},
      {column(Decode::bytes, CarrierKind::binary), column(Decode::jsonb, CarrierKind::json)},
      {column(Decode::date, CarrierKind::date32), column(Decode::time, CarrierKind::time64_us),
       column(Decode::timestamp, CarrierKind::timestamp_us), column(Decode::timestamp, CarrierKind::timestamp_us_utc)},
      {column(Decode::boolean, CarrierKind::boolean), column(Decode::int16, CarrierKind::int16),
       column(Decode::int64, CarrierKind::int64), column(Decode::float32, CarrierKind::float32),
       column(Decode::float64, CarrierKind::float64), column(Decode::float32_to_64, CarrierKind::float64),
       column(Decode::uuid, CarrierKind::uuid)},
      {column(Decode::integer, CarrierKind::int16), column(Decode::integer_decimal, CarrierKind::decimal128, 20, 3)},
      {column(Decode::unsigned32, CarrierKind::int64), column(Decode::unsigned64_decimal, CarrierKind::decimal128, 20, 0),
       column(Decode::money_decimal, CarrierKind::decimal128, 19, 2), column(Decode::money_text, CarrierKind::utf8),
       column(Decode::char_byte, CarrierKind::utf8)},
  };
}

// A server that promises UTF-8 is believed: its texts are not looked at.
void check(const std::shared_ptr<arrow::RecordBatch>& batch, bool texts_too) {
  if (batch != nullptr && !(texts_too ? batch->ValidateFull() : batch->Validate()).ok()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto sets = column_sets();
  if (size < 2) return 0;
  const auto& columns = sets[data[0] % sets.size()];
  const std::uint8_t flags = data[1];
  const bool check_text = (flags & 1) != 0;
  pulk::ReadLimits limits;
  limits.pool = arrow::default_memory_pool();
  limits.batch_rows = (flags & 2) != 0 ? 3 : 64 * 1024;
  limits.max_cell_bytes = 1000;
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  try {
    pulk::postgres::RowDecoder decoder("t", columns, limits, check_text);
    if ((flags & 4) == 0) decoder.consume(std::string_view("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19));
    while (rest.size() >= 2) {
      const auto length = static_cast<std::size_t>(static_cast<unsigned char>(rest[0]) << 8 |
                                                   static_cast<unsigned char>(rest[1]));
      rest.remove_prefix(2);
      // A buffer of exactly this size, so that a byte behind it is seen.
      const std::vector<char> message(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(std::min(length, rest.size())));
      rest.remove_prefix(message.size());
      decoder.consume({message.data(), message.size()});
      if (decoder.batch_full()) check(decoder.take_batch(), check_text);
    }
    check(decoder.take_batch(), check_text);
  } catch (const pulk::Error&) {
    // The answer to what is no COPY stream, or to a value without a carrier.
  }
  return 0;
}
