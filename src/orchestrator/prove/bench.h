// What probes work with: three sessions that are set up as those of a run, tables in the scratch schema, and a stage
// with small files that pulk's own encoder has written and pulk's own stage has put there.
//
// Threads: one, but for statements that are Pending.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adbc/snowflake/client.h"
#include "base/error.h"
#include "catalog/staged_file.h"
#include "config/snowflake_connection.h"
#include "orchestrator/prove/pending.h"
#include "stage/stage.h"

namespace arrow {
class RecordBatch;
}

namespace pulk::prove {

using snowflake::Client;

class Bench {
 public:
  // `schema` in quotes, with its database; `spool` is a folder of this machine. `cancel` outlives the bench.
  Bench(const SnowflakeConnection& connection, std::string schema, std::string spool, CancelToken* cancel);
  ~Bench();

  // A worker, one that competes with it, and one that only looks. Logged in when they are first asked for.
  Client& worker() { return session(0); }
  Client& rival() { return session(1); }
  Client& watcher() { return session(2); }
  // One more, for probes that end it; `cancel` of its own where the probe cancels it.
  std::unique_ptr<Client> login(CancelToken* cancel = nullptr);
  // Ends what a probe left open; `failed`: logs in anew for the next one.
  void settle(bool failed);

  std::string name(const std::string& object) const;
  const std::string& schema() const { return schema_; }
  const SnowflakeConnection& connection() const { return connection_; }
  CancelToken* cancel() const { return cancel_; }

  // Makes an empty transient table anew; its full name.
  std::string table(const std::string& name, const std::string& columns);
  // A table as the staging tables of a run: a column ID and the column of the partition.
  std::string id_table(const std::string& name);
  // A table of marks with pending marks of these partitions, all with fence 1.
  std::string mark_table(const std::string& name, const std::vector<std::string>& partitions);

  // The name of a file on the stage with these numbers in its column ID; it is put there once.
  std::string file_of_ids(const std::vector<std::int64_t>& ids);
  // Encodes and puts a batch; the names begin with `prefix`.
  std::vector<StagedFile> put(Stage& stage, const std::string& prefix,
                              const std::shared_ptr<arrow::RecordBatch>& batch);
  Stage& stage() { return *stage_; }
  std::unique_ptr<Stage> stage_at(const std::string& place);

  // COPY as a run writes it, into a table of id_table().
  std::string copy_of_ids(const std::string& table, const std::vector<std::string>& files, bool force = true) const;

 private:
  Client& session(std::size_t which);

  const SnowflakeConnection connection_;
  const std::string schema_, spool_;
  CancelToken* const cancel_;
  std::unique_ptr<Client> sessions_[3];
  std::unique_ptr<Stage> stage_;
  std::map<std::string, std::string> files_;  // by their numbers
};

// Begins a transaction as a run does.
void begin(Client& client, const std::string& name = "PULK_PROVE");
// The column ID as people write it, "1, 2, 2"; "nothing" when there are no rows.
std::string ids_in(Client& client, const std::string& table);
// The first cell of the first row.
std::string value(Client& client, const std::string& sql);
// What the service says against a statement; nothing when it was carried out.
std::optional<Error> refusal(Client& client, const std::string& sql);
// The code and the beginning of what was said, on one line.
std::string brief(const std::optional<Error>& error);
// The change that stands for a load: one mark from pending to loaded, when its fence is still 1.
std::string set_loaded(const std::string& marks, const std::string& partition);
// True when the statement waits for a lock: the service says so, or it has not ended for five seconds.
bool waits(Bench& bench, Pending& statement);

}  // namespace pulk::prove
