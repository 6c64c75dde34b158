// One session with Snowflake as a target: the mark protocol with its data. Loading and taking are in
// snowflake_session.cpp, publishing in snowflake_publish.cpp, what pulk makes and finds in snowflake_objects.cpp,
// reading back in snowflake_read.cpp.
//
// DDL commits by itself in Snowflake, so everything that has to be made is made before a transaction begins, and
// nothing between BEGIN and COMMIT. A login is renewed between transactions only.
//
// Threads: one at a time per session; several sessions load side by side. What one of them locks until its COMMIT is a
// mark, for as long as the COMMIT takes, and for a moment the staging table when rows of an earlier attempt have to go.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adbc/snowflake/client.h"
#include "warehouse/marks.h"
#include "warehouse/snowflake/live_sessions.h"
#include "warehouse/snowflake/snowflake_files.h"
#include "warehouse/warehouse.h"

namespace pulk {

class SnowflakeSession : public WarehouseSession, private SqlChannel {
 public:
  // All must outlive it; `cancel` may be null. `files` and `live` are shared by the sessions of a warehouse.
  SnowflakeSession(const SnowflakeConnection& connection, SnowflakeFiles& files, LiveSessions& live,
                   CancelToken* cancel);
  ~SnowflakeSession() override;

  std::optional<DeployedTable> describe(const QualifiedName& table) override;
  std::unique_ptr<TargetReader> read(const QualifiedName& table, const std::vector<DeployedColumn>& columns,
                                     arrow::MemoryPool* pool) override;
  std::vector<Mark> take(const RunIdentity& who, const TablePlan& plan) override;
  void reset(const RunIdentity& who, const TablePlan& plan, const std::string& partition, std::int64_t fence) override;
  void restamp(const RunIdentity& who, const TablePlan& plan, const std::string& partition, std::int64_t fence,
               const std::string& snapshot) override;
  LoadResult load(const RunIdentity& who, const TablePlan& plan, const Stage& stage,
                  const PartitionLoad& load) override;
  std::int64_t publish(const RunIdentity& who, const TablePlan& plan, PublishMode mode, std::int64_t fence) override;
  void end_left_open(const RunIdentity& who) override;
  void clean(const RunIdentity& who, const QualifiedName& target, bool forget) override;
  std::vector<Leftover> leftovers() override;
  std::string about() override;
  std::vector<LoadStatement> statements() const override { return statements_; }

 private:
  // SqlChannel
  std::int64_t execute(const std::string& sql) override { return client_->execute(sql); }
  std::vector<std::vector<std::string>> query(const std::string& sql) override { return client_->query(sql); }
  std::string literal(std::string_view text) const override { return snowflake::literal(text); }
  std::string same_transaction() const override { return " AND CURRENT_TRANSACTION() = " + literal(transaction_); }

  // Runs `work`; what Snowflake says gets `subject`, and the id of the query when it said it within transaction().
  // After an error the session does nothing any more: it may be in a transaction.
  void guarded(const std::string& subject, const std::function<void()>& work);
  // Runs `work` between BEGIN and COMMIT.
  void transaction(const std::string& run, const std::function<void()>& work);
  void roll_back();
  // Logs in anew when the login is old. Never inside a transaction.
  void renew();
  void disconnect();
  void tag(const RunIdentity& who, const QualifiedName& table, int partition);
  std::int64_t number(const std::string& sql);
  Marks marks(const std::string& database) { return {*this, marks_prefix(database)}; }
  static std::string marks_prefix(const std::string& database);

  void make_own_objects(const RunIdentity& who, const TablePlan& plan, bool resumed);

  // snowflake_objects.cpp
  bool exists(const std::string& kind, const std::string& name, const std::string& in);
  bool has_own_tables(const std::string& database);
  void create_own_tables(const std::string& database);
  bool has_staging(const std::string& run, const QualifiedName& target);
  void create_staging(const std::string& run, const TablePlan& plan);
  void create_stage(const std::string& run, const QualifiedName& target);
  // Schema and table, where they are missing.
  void create_target(const TablePlan& plan);
  // Before anything is read it is known whether rows can be put into the target: none are put into one that is there;
  // else a table like it is made, in a schema like its own where that is missing too, and removed, and nobody sees a
  // table without rows meanwhile.
  void try_target(const std::string& run, const TablePlan& plan);
  // What a killed process left of that, for people; "" for nothing.
  std::string left_of_trial(const std::string& run, const QualifiedName& target);
  void drop_trial(const std::string& run, const QualifiedName& target);
  std::string staging(const std::string& run, const QualifiedName& target) const;
  // Ends transactions of this run that belong to no live session of this process.
  void abort_left_open(const std::string& run);

  // In a transaction of its own, so that the table is not locked for as long as a COPY takes.
  void delete_earlier_rows(const RunIdentity& who, const TablePlan& plan, const PartitionLoad& load);
  // Seconds and id of the statement that has just ended.
  void note_statement(LoadStatement& statement, std::chrono::steady_clock::time_point start);
  std::int64_t copy_files(const TablePlan& plan, const std::string& table, const std::string& place,
                          const PartitionLoad& load);
  void check_still_planned(const std::string& run, const TablePlan& plan);

  const SnowflakeConnection& connection_;
  SnowflakeFiles& files_;
  LiveSessions& live_;
  CancelToken* const cancel_;
  std::unique_ptr<snowflake::Client> client_;
  std::string transaction_;  // the id of the one that is open
  std::string id_;           // of the client's session; "" before its first transaction
  std::string tag_;
  std::set<std::string> prepared_;         // databases whose own tables are known to be there
  std::vector<LoadStatement> statements_;  // of the last load() or publish()
  std::string last_before_rollback_;       // id of the statement; "" as long as all went well
  bool wrecked_ = false;
};

}  // namespace pulk
