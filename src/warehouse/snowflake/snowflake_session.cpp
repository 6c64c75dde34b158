#include "warehouse/snowflake/snowflake_session.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "adbc/snowflake/error.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/log.h"
#include "base/steps.h"
#include "base/strings.h"
#include "warehouse/snowflake/copy_statement.h"
#include "warehouse/snowflake/snowflake_names.h"

namespace pulk {
namespace {

// COPY takes no longer list of names. PULK_COPY_FILES is for tests, which have fewer files.
std::size_t most_files() {
  const std::string number = environment("PULK_COPY_FILES");
  return number.empty() ? 1000 : std::stoul(number);
}

constexpr const char* kQuery = ": query ";

// Errors of the driver's own have higher codes.
bool is_of_the_service(const Error& error) {
  const int code = snowflake::error_code(error.message());
  return code > 0 && code < 260000;
}

}  // namespace

SnowflakeSession::SnowflakeSession(const SnowflakeConnection& connection, SnowflakeFiles& files, LiveSessions& live,
                                   CancelToken* cancel)
    : connection_(connection), files_(files), live_(live), cancel_(cancel), tag_(R"({"application":"pulk"})") {
  client_ = std::make_unique<snowflake::Client>(connection_, tag_, cancel_);
}

SnowflakeSession::~SnowflakeSession() { disconnect(); }

// The service ends what a session has open when it is closed; only then is it not alive.
void SnowflakeSession::disconnect() {
  client_.reset();
  if (!id_.empty()) live_.remove(std::exchange(id_, ""));
}

void SnowflakeSession::renew() {
  if (!client_->is_old()) return;
  disconnect();
  client_ = std::make_unique<snowflake::Client>(connection_, tag_, cancel_);
}

void SnowflakeSession::guarded(const std::string& subject, const std::function<void()>& work) {
  if (wrecked_) throw Error(ErrorKind::internal, "a session that failed was used again", connection_.account);
  renew();
  wrecked_ = true;
  try {
    work();
  } catch (const Error& error) {
    if (!error.subject().empty()) throw;
    throw error.with_subject(is_of_the_service(error) && !last_before_rollback_.empty()
                                 ? subject + kQuery + last_before_rollback_
                                 : subject);
  }
  wrecked_ = false;
}

void SnowflakeSession::transaction(const std::string& run, const std::function<void()>& work) {
  if (id_.empty()) {
    const std::string id = query("SELECT CURRENT_SESSION()").at(0).at(0);
    live_.add(id);
    id_ = id;
  }
  // With AUTOCOMMIT off a SELECT opens a transaction too, and BEGIN would be ignored in it.
  execute("ROLLBACK");
  execute("BEGIN TRANSACTION NAME " + snowflake::transaction_name(run));
  try {
    transaction_ = query("SELECT CURRENT_TRANSACTION()").at(0).at(0);
    work();
  } catch (...) {
    roll_back();
    throw;
  }
  execute("COMMIT");
}

void SnowflakeSession::roll_back() {
  try {
    client_->execute("ROLLBACK");
    last_before_rollback_ = query("SELECT LAST_QUERY_ID(-2)").at(0).at(0);
  } catch (const Error&) {
    // The error that brought us here is the one to report; the service rolls back what a dead session left.
  }
}

std::string SnowflakeSession::marks_prefix(const std::string& database) { return snowflake::own_prefix(database); }

std::int64_t SnowflakeSession::number(const std::string& sql) { return std::stoll(query(sql).at(0).at(0)); }

void SnowflakeSession::tag(const RunIdentity& who, const QualifiedName& table, int partition) {
  nlohmann::json json = {{"application", "pulk"}, {"run", who.run}, {"table", table.display()}};
  if (!who.workflow.empty()) json["workflow"] = who.workflow;
  if (partition > 0) json["partition"] = partition;
  tag_ = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  client_->tag(tag_);
}

std::string SnowflakeSession::about() {
  const auto row = query(
                       "SELECT CURRENT_VERSION(), CURRENT_ACCOUNT(), CURRENT_USER(), CURRENT_ROLE(), "
                       "CURRENT_WAREHOUSE(), CURRENT_DATABASE()")
                       .at(0);
  const auto given = [](const std::string& value) { return value.empty() ? std::string("none") : value; };
  return "Snowflake " + row[0] + ", account " + row[1] + ", user " + row[2] + ", role " + given(row[3]) +
         ", warehouse " + given(row[4]) + ", database " + given(row[5]);
}

std::vector<Mark> SnowflakeSession::take(const RunIdentity& who, const TablePlan& plan) {
  std::vector<Mark> found;
  guarded(plan.target.display(), [&] {
    tag(who, plan.target, 0);
    const Marks::Target target = snowflake::target_of(plan.target);
    create_own_tables(plan.target.database);
    // Before anything that waits for a lock, and also of a table that is published: what is left open may be of
    // another.
    abort_left_open(who.run);
    Marks all = marks(plan.target.database);
    found = all.look(who.run, target);
    if (Marks::published(found)) return;
    const bool any_loaded =
        std::any_of(found.begin(), found.end(), [](const Mark& m) { return m.state == MarkState::loaded; });
    const bool resumed = !found.empty();
    // Somebody may have dropped the staging table of an unfinished run: what the marks call loaded is not there any
    // more. They say so before the table is made anew, or a process killed in between would believe them.
    const bool gone = any_loaded && !has_staging(who.run, plan.target);
    transaction(who.run, [&] {
      // Unique keys are not enforced: without a row that both must change, two runs could both find no lease. Not a
      // count: the column is NUMBER(1,0), the type of the literal that it was made of.
      if (execute("UPDATE " + marks_prefix(plan.target.database) + "guard SET turns = 1 - turns") < 1)
        throw Error(ErrorKind::integrity, "the table guard is empty", snowflake::own_prefix(plan.target.database));
      all.take(who, target, plan.partitions);
      if (gone) all.reset_all(who.run, target);
    });
    step("take.marked");
    if (gone)
      log_warning("the staging table of " + plan.target.display() + " was gone: all its partitions are loaded again");
    // After the marks: they lead the next start, and `pulk clean`, to what a process leaves that is killed here.
    make_own_objects(who, plan, resumed);
    if (!any_loaded) {
      if (resumed) drop_trial(who.run, plan.target);
      try_target(who.run, plan);
    }
    found = all.look(who.run, target);
  });
  return found;
}

// A run that may not make them leaves nothing behind.
void SnowflakeSession::make_own_objects(const RunIdentity& who, const TablePlan& plan, bool resumed) {
  try {
    create_staging(who.run, plan);
    create_stage(who.run, plan.target);
  } catch (const Error&) {
    if (!resumed) {
      execute("DROP TABLE IF EXISTS " + staging(who.run, plan.target));
      transaction(who.run, [&] {
        marks(plan.target.database).remove(who.run, snowflake::target_of(plan.target), true);
      });
    }
    throw;
  }
}

void SnowflakeSession::reset(const RunIdentity& who, const TablePlan& plan, const std::string& partition,
                             std::int64_t fence) {
  guarded(plan.target.display(), [&] {
    transaction(who.run, [&] {
      marks(plan.target.database).reset(who.run, snowflake::target_of(plan.target), partition, fence);
    });
  });
}

void SnowflakeSession::restamp(const RunIdentity& who, const TablePlan& plan, const std::string& partition,
                               std::int64_t fence, const std::string& snapshot) {
  guarded(plan.target.display(), [&] {
    transaction(who.run, [&] {
      marks(plan.target.database).restamp(who.run, snowflake::target_of(plan.target), partition, fence, snapshot);
    });
  });
}

LoadResult SnowflakeSession::load(const RunIdentity& who, const TablePlan& plan, const Stage& stage,
                                  const PartitionLoad& load) {
  LoadResult result;
  const std::string subject = plan.target.display() + " partition " + std::to_string(load.ordinal);
  guarded(subject, [&] {
    tag(who, plan.target, load.ordinal);
    statements_.clear();
    delete_earlier_rows(who, plan, load);
    transaction(who.run, [&] {
      step("load.begun");
      result.rows = copy_files(plan, staging(who.run, plan.target), stage.location(), load);
      step("load.data_in");
      if (result.rows != load.rows)
        throw Error(ErrorKind::integrity,
                    format_count(result.rows) + " rows arrived where " + format_count(load.rows) + " were encoded",
                    subject);
      marks(plan.target.database).set_loaded(who.run, snowflake::target_of(plan.target), load);
      step("load.marked");
    });
  });
  return result;
}

void SnowflakeSession::delete_earlier_rows(const RunIdentity& who, const TablePlan& plan, const PartitionLoad& load) {
  const std::string rows = staging(who.run, plan.target) + " WHERE " + quote_double(snowflake::kPartitionColumn) +
                           " = " + std::to_string(load.ordinal);
  // A DELETE locks the table, a SELECT does not: most partitions have nothing to delete.
  if (query("SELECT 1 FROM " + rows + " LIMIT 1").empty()) return;
  transaction(who.run, [&] {
    execute("DELETE FROM " + rows);
    // Nobody but who holds the fence may take rows away: a successor may have loaded them since.
    marks(plan.target.database).hold_pending(who.run, snowflake::target_of(plan.target), load.partition, load.fence);
  });
}

void SnowflakeSession::note_statement(LoadStatement& statement, std::chrono::steady_clock::time_point start) {
  statement.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  statement.query_id = query("SELECT LAST_QUERY_ID()").at(0).at(0);
}

std::int64_t SnowflakeSession::copy_files(const TablePlan& plan, const std::string& table, const std::string& place,
                                          const PartitionLoad& load) {
  std::vector<std::string> columns, expressions;
  for (const ColumnPlan& column : plan.columns) {
    columns.push_back(column.target_name);
    expressions.push_back(column.load_expression);
  }
  std::int64_t rows = 0;
  const std::size_t most = most_files();
  for (std::size_t from = 0; from < load.files.size(); from += most) {
    std::map<std::string, std::int64_t> expected;
    std::vector<std::string> names;
    LoadStatement statement;
    for (std::size_t i = from; i < std::min(from + most, load.files.size()); ++i) {
      names.push_back(load.files[i].name);
      expected[load.files[i].name] = load.files[i].rows;
      statement.bytes += load.files[i].bytes;
    }
    const auto start = std::chrono::steady_clock::now();
    const auto loaded =
        client_->named_rows(snowflake::copy_statement(table, columns, expressions, load.ordinal, place, names));
    note_statement(statement, start);
    const std::string subject =
        plan.target.display() + " partition " + std::to_string(load.ordinal) + kQuery + statement.query_id;
    for (const auto& file : loaded) {
      if (!file.contains("rows_loaded")) continue;
      const std::string name = file.at("file").substr(file.at("file").rfind('/') + 1);
      const std::int64_t arrived = std::stoll(file.at("rows_loaded"));
      rows += arrived;
      statement.rows += arrived;
      const auto sent = expected.find(name);
      if (sent == expected.end() || sent->second != arrived)
        throw Error(ErrorKind::integrity,
                    "of the file " + name + " " + format_count(arrived) + " rows arrived where " +
                        format_count(sent == expected.end() ? 0 : sent->second) + " were encoded",
                    subject);
      expected.erase(sent);
    }
    if (!expected.empty())
      throw Error(ErrorKind::integrity, "Snowflake says nothing of the file " + expected.begin()->first, subject);
    statements_.push_back(statement);
  }
  return rows;
}

}  // namespace pulk
