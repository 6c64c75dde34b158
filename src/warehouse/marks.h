// The mark protocol (I2) over any target that speaks plain SQL: the tables `mark` and `lease`, and what each step of a
// partition's life does to them. The warehouses own the transactions: every function here runs inside one of theirs,
// together with the data it stands for. Used by all warehouses.
//
// A function that changes a mark names the fence it was taken with; when that fence is no longer the mark's, nothing
// has changed and Error(retryable) "fence lost" is thrown, at which the caller must roll back. That error is final:
// trying again would fence the successor out. Not final is the error when the fence still holds, and only the
// transaction was ended by somebody else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "warehouse/warehouse.h"

namespace pulk {

// What the marks need of a database connection.
class SqlChannel {
 public:
  virtual ~SqlChannel() = default;
  virtual std::int64_t execute(const std::string& sql) = 0;                         // rows changed
  virtual std::vector<std::vector<std::string>> query(const std::string& sql) = 0;  // NULL is ""
  virtual std::string literal(std::string_view text) const;                         // by default as the standard says
  // " AND ...": holds only within the transaction that was begun for the work in hand. For targets where somebody else
  // may end it, and what follows would then begin another one.
  virtual std::string same_transaction() const { return {}; }
};

class Marks {
 public:
  // `prefix` stands before the names of the tables: "_pulk." or "".
  Marks(SqlChannel& channel, std::string prefix) : channel_(channel), prefix_(std::move(prefix)) {}

  // A target table: its names for people, and the key under which no other spelling of it can hide.
  struct Target {
    std::string key;
    QualifiedName name;
  };

  void create_tables();

  std::vector<Mark> look(const std::string& run, const Target& target);
  static bool published(const std::vector<Mark>& marks);

  // True when this run holds the lease. Throws Error(retryable) when another run does.
  bool check_lease(const RunIdentity& who, const Target& target);
  // Lease, pending marks for all partitions that have none, fence + 1 everywhere. Throws Error(retryable) when
  // another run holds the lease.
  void take(const RunIdentity& who, const Target& target, const std::vector<PartitionPlan>& partitions);

  void set_loaded(const std::string& run, const Target& target, const PartitionLoad& load);
  // Throws when the mark has another fence, or is gone. Nothing is locked: it may move right after.
  void check_fence(const std::string& run, const Target& target, const std::string& partition, std::int64_t fence);
  // Changes nothing, but locks the mark until the transaction ends: it is pending and has this fence.
  void hold_pending(const std::string& run, const Target& target, const std::string& partition, std::int64_t fence);
  void reset(const std::string& run, const Target& target, const std::string& partition, std::int64_t fence);
  void restamp(const std::string& run, const Target& target, const std::string& partition, std::int64_t fence,
               const std::string& snapshot);
  // Makes every loaded partition pending: their rows are gone.
  void reset_all(const std::string& run, const Target& target);

  // Every partition of the plan is loaded (else Error(internal)); the sum of their rows.
  std::int64_t rows_to_publish(const std::string& run, const TablePlan& plan, const Target& target);
  // Sets the publish mark and gives the lease back.
  void set_published(const std::string& run, const Target& target, std::int64_t fence, std::int64_t rows);

  // Lease and marks of the run; a publish mark that says `published` stays unless `forget`.
  void remove(const std::string& run, const Target& target, bool forget);

  // Runs with a lease, or with marks that are more than the memory of a published table.
  struct Trace {
    std::string run;
    Target target;
    std::int64_t marks = 0;
    bool leased = false;
    std::string owner, since;
  };
  std::vector<Trace> traces();
  // Runs whose publish mark on this table says `published`.
  std::vector<std::string> published_runs(const Target& target);

 private:
  std::string table(const char* name) const { return prefix_ + name; }
  std::string text(std::string_view value) const { return channel_.literal(value); }
  std::string of(const std::string& run, const Target& target) const;
  std::string of(const std::string& run, const Target& target, const std::string& partition) const;
  // Says why no mark was changed that should have been in the state `expected`.
  [[noreturn]] void not_changed(const std::string& run, const Target& target, const std::string& partition,
                                std::int64_t fence, MarkState expected);

  SqlChannel& channel_;
  std::string prefix_;
};

}  // namespace pulk
