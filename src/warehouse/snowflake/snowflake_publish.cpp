// Publishing in Snowflake: one DML transaction overwrites the target from staging and sets the publish mark. The target
// itself is never replaced, so it keeps its kind, grants, policies, clustering and comments.
#include <chrono>
#include <map>

#include "base/error.h"
#include "base/steps.h"
#include "base/strings.h"
#include "warehouse/snowflake/snowflake_names.h"
#include "warehouse/snowflake/snowflake_session.h"

namespace pulk {

// The types were agreed on when the table was planned. Were they to differ now, INSERT would cast, and round.
void SnowflakeSession::check_still_planned(const std::string& run, const TablePlan& plan) {
  std::map<std::string, std::string> types;
  for (const auto& row : client_->named_rows("DESC TABLE " + snowflake::full_name(plan.target)))
    types[row.at("name")] = row.at("type");
  for (const auto& row : client_->named_rows("DESC TABLE " + staging(run, plan.target))) {
    const std::string& name = row.at("name");
    if (name == snowflake::kPartitionColumn) continue;
    const auto found = types.find(name);
    if (found != types.end() && found->second == row.at("type")) continue;
    throw Error(
        ErrorKind::drift,
        "column " + name + " was planned as " + row.at("type") +
            (found == types.end() ? ", the target has no such column" : ", the target now has " + found->second),
        plan.target.display(), "plan the table again, with --restart");
  }
}

std::int64_t SnowflakeSession::publish(const RunIdentity& who, const TablePlan& plan, PublishMode mode,
                                       std::int64_t fence) {
  std::int64_t rows = 0;
  guarded(plan.target.display(), [&] {
    tag(who, plan.target, 0);
    const Marks::Target target = snowflake::target_of(plan.target);
    Marks all = marks(plan.target.database);
    statements_.clear();
    for (const Mark& mark : all.look(who.run, target)) {
      // The answer to an earlier COMMIT was lost: it is done.
      if (mark.partition.empty() && mark.state == MarkState::published && mark.fence == fence) {
        rows = mark.rows;
        return;
      }
    }
    // So late, a run that fails before leaves no table without rows. DDL commits by itself: a crash from here on does,
    // and the next start goes on with it. A process that was taken over makes nothing.
    all.check_fence(who.run, target, "", fence);
    create_target(plan);
    check_still_planned(who.run, plan);
    std::vector<std::string> quoted;
    for (const ColumnPlan& column : plan.columns) quoted.push_back(quote_double(column.target_name));
    const std::string names = join(quoted, ", "), from = staging(who.run, plan.target);
    transaction(who.run, [&] {
      step("publish.begun");
      rows = all.rows_to_publish(who.run, plan, target);
      const std::int64_t staged = number("SELECT count(*) FROM " + from);
      if (staged != rows)
        throw Error(ErrorKind::integrity,
                    "staging has " + format_count(staged) + " rows where the marks say " + format_count(rows),
                    plan.target.display());
      LoadStatement statement;
      const auto start = std::chrono::steady_clock::now();
      const std::int64_t inserted =
          execute(std::string("INSERT ") + (mode == PublishMode::replace ? "OVERWRITE " : "") + "INTO " +
                  snowflake::full_name(plan.target) + " (" + names + ") SELECT " + names + " FROM " + from);
      statement.rows = inserted;
      note_statement(statement, start);
      statements_.push_back(statement);
      step("publish.data_in");
      if (inserted != rows)
        throw Error(ErrorKind::integrity,
                    format_count(inserted) + " rows went into the target where staging has " + format_count(rows),
                    plan.target.display());
      all.set_published(who.run, target, fence, rows);
      step("publish.marked");
    });
  });
  return rows;
}

}  // namespace pulk
