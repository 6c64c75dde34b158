#include "source/postgres/lane.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <optional>

#include "source/dialect/clauses.h"
#include "source/dialect/postgres.h"
#include "source/postgres/relation.h"
#include "source/postgres/row_decoder.h"

namespace pulk::postgres {
namespace {

// libpq keeps the largest buffer it ever needed; after a row like this the connection is renewed to give it back (I3).

std::vector<CatalogColumn> current_columns(pg::Connection& connection, const SourceObject& source) {
  return source.is_query() ? query_columns(connection, source.query) : find_relation(connection, source.name).columns;
}

std::string difference(const TablePlan& table, const std::vector<CatalogColumn>& actual) {
  for (const ColumnPlan& planned : table.columns) {
    const CatalogColumn* found = nullptr;
    for (const CatalogColumn& column : actual) {
      if (column.column.name == planned.source_name) found = &column;
    }
    const std::string name = "column " + quote_double(planned.source_name);
    if (found == nullptr) return name + " is gone";
    if (found->column.native_type != planned.source_type) {
      return name + " is " + found->column.native_type + ", planned as " + planned.source_type;
    }
    if (found->column.nullable && !planned.nullable) return name + " allows NULL now";
  }
  return "";
}

// The columns of the plan with their way of reading; Error(drift) when the table is not the one that was planned.
std::vector<ReadColumn> plan_reading(pg::Connection& connection, const TablePlan& table) {
  std::vector<CatalogColumn> actual;
  try {
    actual = current_columns(connection, table.source);
  } catch (const Error& error) {
    throw error.kind() == ErrorKind::usage
        ? Error(ErrorKind::drift, "the source has changed since the plan: " + error.message(), table.label,
                error.hint())
        : error.with_subject(table.label);
  }
  std::string changed = difference(table, actual);
  if (changed.empty() && !table.schema_fingerprint.empty() && fingerprint_of(actual) != table.schema_fingerprint) {
    changed = "columns were added, moved or renamed";
  }
  if (!changed.empty()) {
    throw Error(ErrorKind::drift, "the source has changed since the plan: " + changed, table.label,
                "plan the table again");
  }
  std::vector<ReadColumn> columns;
  for (const ColumnPlan& planned : table.columns) {
    for (const CatalogColumn& column : actual) {
      if (column.column.name != planned.source_name) continue;
      try {
        columns.push_back(read_column(column, planned));
      } catch (const Error& error) {
        throw error.with_subject(table.label);
      }
      break;
    }
  }
  return columns;
}

// The names a query's output is addressed by in FROM.
std::vector<std::string> output_names(pg::Connection& connection, const SourceObject& source) {
  return source.is_query() ? names_of(query_columns(connection, source.query)) : std::vector<std::string>{};
}

}  // namespace

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

Lane::Lane(std::shared_ptr<SessionFactory> sessions, std::string exported)
    : sessions_(std::move(sessions)), exported_(std::move(exported)), permit_(sessions_->permit()) {
  join_snapshot();
}

Lane::~Lane() = default;

void Lane::join_snapshot() {
  auto session = sessions_->open();
  session->begin(Isolation::snapshot);
  try {
    session->connection().exec("SET TRANSACTION SNAPSHOT '" + exported_ + "'");
  } catch (const pg::SqlError& error) {
    if (error.kind() == ErrorKind::retryable && error.sqlstate() != "55000") throw;
    throw Error(ErrorKind::retryable, "the exported snapshot cannot be joined: " + error.message(), sessions_->where(),
                "its holder has ended, or a pooler or balancer led this connection to another server: connect straight "
                "to one server");
  }
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
    std::vector<ReadColumn> columns = plan_reading(connection(), table);
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
