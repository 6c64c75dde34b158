#include "importer/table_load.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/steps.h"
#include "base/strings.h"
#include "state/sqlite/workspace_owner.h"

namespace pulk {
namespace {

constexpr std::chrono::seconds kWait{30};
constexpr const char* kAgain = "run the same command again: it finds out, and loads nothing twice";

class Loading {
 public:
  Loading(Warehouse& warehouse, const TableLoad& load, CancelToken& cancel)
      : warehouse_(warehouse), load_(load), cancel_(cancel), who_{load.run, describe_this_process()} {}

  TableLoaded run() {
    for (int attempt = 1;; ++attempt) {
      try {
        const TableLoaded loaded = attempt_once(attempt);
        clean_up();
        return loaded;
      } catch (const Error& error) {
        if (error.is_final()) throw;
        if (!loaded_ && error.kind() == ErrorKind::retryable && attempt < load_.tries && !cancel_.cancelled() &&
            taken_) {
          log_warning("trying again: " + std::string(error.what()));
          pause(attempt);
          continue;
        }
        return settle(error);
      }
    }
  }

 private:
  TableLoaded attempt_once(int attempt) {
    const auto session = warehouse_.open(kWait, 0, true, &cancel_);
    if (!load_.give_up.empty() && !taken_) {
      const RunIdentity other{load_.give_up, who_.owner};
      session->end_left_open(other);
      session->clean(other, load_.plan.target, true);
    }
    const std::vector<Mark> marks = take(*session);
    TableLoaded loaded;
    if (const auto rows = published(marks)) {
      loaded = {*rows, attempt == 1};
    } else {
      if (!staged(marks)) put_into_staging(*session, marks);
      loaded.rows = session->publish(who_, load_.plan, load_.mode, fence_of(marks, ""));
      step("publish.committed");
    }
    loaded_ = loaded;
    return loaded;
  }

  std::vector<Mark> take(WarehouseSession& session) {
    try {
      std::vector<Mark> marks = session.take(who_, load_.plan);
      check_still_ours(session, marks);
      return marks;
    } catch (const Error& error) {
      const std::string said = "run load-";
      const auto at = error.message().find(said);
      if (at == std::string::npos) throw;
      const auto end = error.message().find(' ', at + said.size());
      const std::string other = error.message().substr(at + 4, end - at - 4);
      throw Error(error.kind(), error.message(), error.subject(),
                  "run that command again, with the same files; or add --give-up " + other +
                      " when nobody is at work on it any more");
    }
  }

  // Each taking raises the fence, unless the marks were gone: then another process has done this load and has said so.
  void check_still_ours(WarehouseSession& session, const std::vector<Mark>& marks) {
    const std::int64_t fence = fence_of(marks, "");
    if (!published(marks) && taken_ && fence <= last_fence_) {
      session.clean(who_, load_.plan.target, true);
      throw Error(ErrorKind::retryable, "another process has taken over this load and has ended it",
                  load_.plan.target.display(), "look at what that process said before you run it again")
          .as_final();
    }
    taken_ = true;
    last_fence_ = fence;
  }

  const Mark& mark(const std::vector<Mark>& marks, const std::string& partition) const {
    for (const Mark& mark : marks)
      if (mark.partition == partition) return mark;
    throw Error(ErrorKind::internal, "a mark is missing", load_.plan.target.display());
  }
  std::int64_t fence_of(const std::vector<Mark>& marks, const std::string& partition) const {
    return mark(marks, partition).fence;
  }
  bool staged(const std::vector<Mark>& marks) const {
    return mark(marks, load_.plan.partitions.front().id).state == MarkState::loaded;
  }
  static std::optional<std::int64_t> published(const std::vector<Mark>& marks) {
    for (const Mark& mark : marks)
      if (mark.partition.empty() && mark.state == MarkState::published) return mark.rows;
    return std::nullopt;
  }

  void put_into_staging(WarehouseSession& session, const std::vector<Mark>& marks) {
    const PartitionPlan& partition = load_.plan.partitions.front();
    PartitionLoad part;
    part.ordinal = partition.ordinal;
    part.partition = partition.id;
    part.fence = fence_of(marks, partition.id);
    part.snapshot = load_.run;
    const auto stage = warehouse_.stage(who_.run, load_.plan, load_.spool);
    part.files = load_.stage_files(*stage, fmt::format("p00001-f{}", part.fence));
    for (const StagedFile& file : part.files) part.rows += file.rows;
    if (part.rows != load_.rows)
      throw Error(ErrorKind::integrity, fmt::format("{} rows were counted, {} are staged", load_.rows, part.rows));
    session.load(who_, load_.plan, *stage, part);
    step("load.committed");
  }

  // Nothing is tried any more. What the error says may be of a COMMIT that was made all the same, so the marks are
  // asked once; else what is left goes. Also when the command was interrupted: by a session that is not.
  TableLoaded settle(const Error& error) {
    if (!taken_) throw error;
    try {
      const auto session = warehouse_.open(kWait, 0, true, nullptr);
      if (!loaded_)
        if (const auto rows = published(take(*session))) loaded_ = TableLoaded{*rows, false};
      session->clean(who_, load_.plan.target, true);
      remove_spool();
    } catch (const Error& also) {
      if (also.is_final()) throw;
      log_debug(std::string("after the error: ") + also.what());
      throw Error(error.kind(),
                  error.message() + (loaded_ ? ". The rows are in the table, marks of the load are left"
                                             : ". Whether the rows are in the table is not known"),
                  error.subject(), kAgain);
    }
    if (loaded_) return *loaded_;
    throw error;
  }

  void clean_up() {
    const auto session = warehouse_.open(kWait, 0, true, &cancel_);
    session->clean(who_, load_.plan.target, true);
    remove_spool();
  }

  void remove_spool() const {
    std::error_code ignored;
    std::filesystem::remove_all(std::filesystem::path(load_.spool) / load_.run, ignored);
    std::filesystem::remove(load_.spool, ignored);  // when nothing else is in it
  }

  void pause(int attempt) const {
    for (int i = 0; i < 10 * attempt && !cancel_.cancelled(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }

  Warehouse& warehouse_;
  const TableLoad& load_;
  CancelToken& cancel_;
  const RunIdentity who_;
  bool taken_ = false;
  std::int64_t last_fence_ = 0;
  std::optional<TableLoaded> loaded_;
};

}  // namespace

TableLoaded load_table(Warehouse& warehouse, const TableLoad& load, CancelToken& cancel) {
  return Loading(warehouse, load, cancel).run();
}

}  // namespace pulk
