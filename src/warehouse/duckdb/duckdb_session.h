// One opened DuckDB target: the mark protocol with its data. Loading is in duckdb_session.cpp, publishing in
// duckdb_publish.cpp, reading back in duckdb_read.cpp. DuckDB's DDL is transactional, so a rename may stand in the same transaction as the mark.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "warehouse/duckdb/duckdb_file.h"
#include "warehouse/marks.h"
#include "warehouse/warehouse.h"

namespace pulk {

class DuckdbSession : public WarehouseSession {
 public:
  DuckdbSession(const std::string& path, std::chrono::milliseconds wait, std::int64_t memory, bool create,
                CancelToken* cancel);

  std::optional<DeployedTable> describe(const QualifiedName& table) override;
  std::unique_ptr<TargetReader> read(const QualifiedName& table, const std::vector<DeployedColumn>& columns,
                                     arrow::MemoryPool* pool) override;
  std::vector<Mark> take(const RunIdentity& who, const TablePlan& plan) override;
  void reset(const RunIdentity& who, const TablePlan& plan, const std::string& partition,
             std::int64_t fence) override;
  void restamp(const RunIdentity& who, const TablePlan& plan, const std::string& partition, std::int64_t fence,
               const std::string& snapshot) override;
  LoadResult load(const RunIdentity& who, const TablePlan& plan, const Stage& stage,
                  const PartitionLoad& load) override;
  std::int64_t publish(const RunIdentity& who, const TablePlan& plan, PublishMode mode, std::int64_t fence) override;
  void clean(const RunIdentity& who, const QualifiedName& target, bool forget) override;
  std::vector<Leftover> leftovers() override;
  std::vector<std::string> notes() const override { return notes_; }

 private:
  // Runs `work` and turns what DuckDB says into the right Error. After an error in a transaction that carries data
  // (`fatal`) the session does nothing any more.
  void guarded(const std::string& subject, bool fatal, const std::function<void()>& work);
  void create_own_tables();
  bool has_own_tables();
  void create_staging(const RunIdentity& who, const TablePlan& plan, bool any_loaded);
  std::string staging(const std::string& run, const QualifiedName& target) const;

  // How the rows of staging become the target's content; all inside publish()'s transaction.
  void become_target(const RunIdentity& who, const TablePlan& plan, std::int64_t rows, bool drop_old);
  void copy_into_target(const RunIdentity& who, const TablePlan& plan, std::int64_t rows, PublishMode mode);
  void add_primary_key(const TablePlan& plan, const std::string& table, std::int64_t rows);

  DuckdbFile file_;
  Marks marks_;
  CancelToken* cancel_;
  bool wrecked_ = false;
  std::vector<std::string> notes_;
};

}  // namespace pulk
