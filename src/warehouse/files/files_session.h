// One opened folder of files: the mark protocol over marks.sqlite, whose write lock is what makes a publish and its
// mark one thing: it is held while the fence is checked, `current` is swapped and the mark is set.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/sqlite_db.h"
#include "warehouse/files/manifest.h"
#include "warehouse/marks.h"
#include "warehouse/warehouse.h"

namespace pulk::files {

class SqliteChannel : public SqlChannel {
 public:
  explicit SqliteChannel(SqliteDb& db) : db_(db) {}
  std::int64_t execute(const std::string& sql) override;
  std::vector<std::vector<std::string>> query(const std::string& sql) override;

 private:
  SqliteDb& db_;
};

class FilesSession : public WarehouseSession {
 public:
  FilesSession(std::string root, std::chrono::milliseconds wait, bool create, CancelToken* cancel);

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

 private:
  // Runs `work` in one transaction that holds the write lock; waits for the lock until the deadline.
  void transact(const std::function<void()>& work);
  // `current` already names this run's version, but the mark was not committed: the rename was the decision, so the
  // mark follows. Inside a transaction.
  void settle(const std::string& run, const QualifiedName& target);
  std::vector<ManifestFile> loaded_files(const std::string& run, const QualifiedName& target);
  std::vector<ManifestFile> carry_over(const QualifiedName& target, const std::string& run);
  void drop_unlisted(const std::string& folder, const Manifest& manifest);
  void remove_old_versions(const QualifiedName& target, const std::optional<std::string>& previous);

  std::string root_;
  std::chrono::milliseconds wait_;
  CancelToken* cancel_;
  SqliteDb db_;
  SqliteChannel channel_;
  Marks marks_;
};

Marks::Target target_of(const QualifiedName& table);

}  // namespace pulk::files
