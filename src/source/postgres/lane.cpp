#include "source/postgres/lane.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <optional>

#include "source/dialect/clauses.h"
#include "source/dialect/postgres.h"
#include "source/postgres/reading.h"
#include "source/postgres/row_decoder.h"

namespace pulk::postgres {

class PartitionReader : public BatchReader {
 public:
  PartitionReader(Lane& lane, std::string label, std::vector<ReadColumn> columns, const std::string& copy,
                  const ReadLimits& limits)
      : lane_(lane),
        label_(label),
        decoder_(std::move(label), std::move(columns), limits,
                 lane.connection().parameter("server_encoding") == "SQL_ASCII"),
        stream_(std::in_place, lane.connection(), copy),
        before_wide_row_(limits.before_wide_row) {}

  ~PartitionReader() override {
    const bool reusable = !stream_ || stream_->finished();
    stream_.reset();
    // libpq keeps the largest buffer it ever needed; after a row like this the connection is renewed to give it back (I3).
    if (!reusable || widest_ > kWideRow) lane_.drop_session();
  }

  std::shared_ptr<arrow::RecordBatch> next() override {
    try {
      while (!done_) {
        const auto message = stream_->next();
        if (!message) {
          finish();
          break;
        }
        widest_ = std::max(widest_, static_cast<std::int64_t>(message->size()));
        const bool wide = static_cast<std::int64_t>(message->size()) > kWideRow;
        if (wide && before_wide_row_) before_wide_row_();
        decoder_.consume(*message);
        if (wide) {
          stream_->drop_message();
          break;
        }
        if (decoder_.batch_full()) break;
      }
      return decoder_.take_batch();
    } catch (const pg::SqlError& error) {
      throw error.with_subject(label_);
    }
  }

  std::int64_t widest_row() const override { return widest_; }

 private:
  // I1: what was decoded is what the server says it sent.
  void finish() {
    done_ = true;
    if (!decoder_.trailer_seen())
      throw Error(ErrorKind::integrity, "the stream of rows ended without its trailer", label_);
    if (stream_->rows_reported() != decoder_.rows()) {
      throw Error(ErrorKind::integrity,
                  "the server sent " + std::to_string(stream_->rows_reported()) + " rows, " +
                      std::to_string(decoder_.rows()) + " were read",
                  label_);
    }
  }

  Lane& lane_;
  std::string label_;
  RowDecoder decoder_;
  std::optional<pg::CopyOut> stream_;
  std::function<void()> before_wide_row_;
  std::int64_t widest_ = 0;
  bool done_ = false;
};

Lane::Lane(std::shared_ptr<LibpqSessions> sessions, std::string exported)
    : sessions_(std::move(sessions)), exported_(std::move(exported)), permit_(sessions_->permit()) {
  join_snapshot();
}

Lane::~Lane() = default;

void Lane::join_snapshot() {
  auto session = sessions_->open_libpq();
  session->begin(Isolation::snapshot);
  postgres::join_snapshot(session->connection(), exported_, sessions_->where());
  std::lock_guard lock(canceller_mutex_);
  canceller_ = session->connection().canceller();
  session_ = std::move(session);
}

pg::Connection& Lane::connection() {
  if (!session_) join_snapshot();
  return session_->connection();
}

void Lane::drop_session() {
  {
    std::lock_guard lock(canceller_mutex_);
    canceller_.reset();
  }
  session_.reset();
}

void Lane::cancel() {
  std::shared_ptr<pg::Canceller> canceller;
  {
    std::lock_guard lock(canceller_mutex_);
    canceller = canceller_;
  }
  if (canceller) canceller->cancel();
}

std::unique_ptr<BatchReader> Lane::read(const TablePlan& table, const PartitionPlan& partition,
                                        const ReadLimits& limits) {
  if (sessions_->cancel_token() != nullptr) sessions_->cancel_token()->check();
  try {
    std::vector<ReadColumn> columns = plan_reading(connection(), table).columns;
    std::string copy = "COPY (SELECT ";
    for (std::size_t i = 0; i < columns.size(); ++i) copy += (i > 0 ? ", " : "") + columns[i].expression;
    copy += " FROM " + from_item(table.source, output_names(connection(), table.source)) +
            where_clause({table.source.filter, partition.predicate});
    if (limits.max_rows >= 0) copy += " LIMIT " + std::to_string(limits.max_rows);
    copy += ") TO STDOUT (FORMAT binary)";
    return std::make_unique<PartitionReader>(*this, table.label, std::move(columns), copy, limits);
  } catch (const Error& error) {
    drop_session();  // its transaction may have failed
    throw error.subject().starts_with(table.label) ? error : error.with_subject(table.label);
  }
}

std::int64_t Lane::count(const TablePlan& table) {
  if (sessions_->cancel_token() != nullptr) sessions_->cancel_token()->check();
  try {
    return connection()
        .exec("SELECT pg_catalog.count(*) FROM " + from_item(table.source, output_names(connection(), table.source)) +
              where_clause({table.source.filter}))
        .integer(0, 0);
  } catch (const Error& error) {
    drop_session();
    throw error.with_subject(table.label);
  }
}

}  // namespace pulk::postgres
