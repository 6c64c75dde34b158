// INSERT OVERWRITE, by which a table is published.
#include <algorithm>

#include "base/strings.h"
#include "orchestrator/prove/bench.h"
#include "orchestrator/prove/probe.h"

namespace pulk::prove {
namespace {

// A target with one old row, and a staging table with the rows 1 and 2.
struct Publishing {
  Publishing(Bench& bench, const std::string& probe, const std::string& target_columns = "ID NUMBER(19,0)")
      : target(bench.table(probe, target_columns)) {
    const std::string staging = bench.id_table(probe + "_LOAD");
    bench.watcher().execute("INSERT INTO " + target + " (ID) VALUES (9)");
    bench.watcher().execute("INSERT INTO " + staging + " VALUES (1, 1), (2, 1)");
    bench.watcher().execute("COMMIT");
    overwrite = "INSERT OVERWRITE INTO " + target + " (\"ID\") SELECT \"ID\" FROM " + staging;
  }
  std::string target, overwrite;
};

Finding rollback_of_overwrite(Bench& bench) {
  const Publishing at(bench, "P30");
  begin(bench.worker());
  bench.worker().execute(at.overwrite);
  bench.worker().execute("ROLLBACK");
  const std::string left = ids_in(bench.watcher(), at.target);
  return decide(left == "9", "after ROLLBACK the table has " + left + " where it had 9");
}

Finding readers(Bench& bench) {
  const Publishing at(bench, "P31");
  begin(bench.worker());
  bench.worker().execute(at.overwrite);
  const std::string before = ids_in(bench.watcher(), at.target);
  bench.worker().execute("COMMIT");
  const std::string after = ids_in(bench.watcher(), at.target);
  return decide(before == "9" && after == "1, 2", "others saw " + before + " before COMMIT, " + after + " after it");
}

Finding overwrite_count(Bench& bench) {
  const Publishing at(bench, "P32");
  begin(bench.worker());
  const std::int64_t rows = bench.worker().execute(at.overwrite);
  return decide(rows == 2, "INSERT OVERWRITE says " + std::to_string(rows) + " where 2 rows went in and 1 went out");
}

std::string shape(Bench& bench, const std::string& table) {
  for (const auto& row : bench.watcher().named_rows("SHOW TABLES LIKE '" + table + "' IN SCHEMA " + bench.schema()))
    if (row.at("name") == table) return row.at("kind") + ", " + row.at("cluster_by") + ", " + row.at("comment");
  return "no such table";
}

Finding keeps_shape(Bench& bench) {
  const Publishing at(bench, "P33");
  bench.watcher().execute("ALTER TABLE " + at.target + " CLUSTER BY (ID)");
  bench.watcher().execute("COMMENT ON TABLE " + at.target + " IS 'kept'");
  const std::string before = shape(bench, "P33");
  begin(bench.worker());
  bench.worker().execute(at.overwrite);
  bench.worker().execute("COMMIT");
  const std::string after = shape(bench, "P33");
  return decide(before == after && after.find("kept") != std::string::npos, before + "; afterwards " + after);
}

std::string grants(Bench& bench, const std::string& table) {
  std::vector<std::string> list;
  for (const auto& row : bench.watcher().named_rows("SHOW GRANTS ON TABLE " + table))
    list.push_back(row.at("privilege") + " to " + row.at("grantee_name"));
  std::sort(list.begin(), list.end());
  return join(list, ", ");
}

Finding keeps_grants(Bench& bench) {
  const Publishing at(bench, "P34");
  bench.watcher().execute("GRANT SELECT ON TABLE " + at.target + " TO ROLE PUBLIC");
  const std::string before = grants(bench, at.target);
  begin(bench.worker());
  bench.worker().execute(at.overwrite);
  bench.worker().execute("COMMIT");
  const std::string after = grants(bench, at.target);
  return decide(before == after && after.find("SELECT to PUBLIC") != std::string::npos,
                before + "; afterwards " + after);
}

}  // namespace

std::vector<Probe> publishing_probes() {
  constexpr const char* theme = "publishing";
  return {
      {30, theme, Rests::exactly_once, "ROLLBACK takes an INSERT OVERWRITE back",
       "a process killed while it publishes leaves the table empty or half", rollback_of_overwrite},
      {31, theme, Rests::exactly_once, "others see the old rows until COMMIT, then the new ones",
       "readers see an empty or a half table while it is published", readers},
      {32, theme, Rests::running, "INSERT OVERWRITE says how many rows went in",
       "publishing stops with an error, because the number is compared with the marks", overwrite_count},
      {33, theme, Rests::running, "INSERT OVERWRITE keeps kind, clustering and comment of a table",
       "a published table loses what its owner has set", keeps_shape},
      {34, theme, Rests::running, "INSERT OVERWRITE keeps the grants of a table",
       "a published table can no longer be read by those who could", keeps_grants},
  };
}

}  // namespace pulk::prove
