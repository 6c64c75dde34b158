// Files on an internal stage.
#include <arrow/api.h>

#include <algorithm>

#include "catalog/identifier.h"
#include "orchestrator/prove/value_table.h"
#include "warehouse/snowflake/copy_statement.h"

namespace pulk::prove {
namespace {

std::shared_ptr<arrow::RecordBatch> ids(const std::string& json) {
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("ID", arrow::int64())}),
                                  static_cast<std::int64_t>(std::count(json.begin(), json.end(), ',')) + 1,
                                  {array_of({CarrierKind::int64}, json)});
}

Finding size_in_list(Bench& bench) {
  const StagedFile file = bench.put(bench.stage(), "listed", ids("[1, 2]")).at(0);
  const auto rows = bench.watcher().named_rows("LIST " + bench.stage().location() + file.name);
  if (rows.size() != 1) return {Outcome::fail, "LIST has " + std::to_string(rows.size()) + " rows for one file"};
  const std::int64_t size = std::stoll(rows[0].at("size"));
  return decide(size >= file.bytes && size <= file.bytes + 16,
                "LIST says " + rows[0].at("size") + " bytes of " + std::to_string(file.bytes) + ", MD5 " +
                    (rows[0].contains("md5") ? rows[0].at("md5") : "none"));
}

Finding visible_at_once(Bench& bench) {
  const std::string table = bench.id_table("P71");
  const StagedFile file = bench.put(bench.stage(), "visible", ids("[1, 2]")).at(0);
  begin(bench.rival());
  bench.rival().query(bench.copy_of_ids(table, {file.name}));
  const std::string rows = ids_in(bench.rival(), table);
  return decide(rows == "1, 2", "another session loaded " + rows);
}

Finding overwritten(Bench& bench) {
  const std::string table = bench.id_table("P72");
  bench.put(bench.stage(), "again", ids("[1, 2]"));
  StagedFile file;
  try {
    file = bench.put(bench.stage(), "again", ids("[3, 4, 5]")).at(0);
  } catch (const Error& error) {
    // The stage compares sizes: it has seen the old file.
    if (error.message().find("bytes on the stage") == std::string::npos) throw;
    return {Outcome::fail, error.message()};
  }
  begin(bench.worker());
  bench.worker().query(bench.copy_of_ids(table, {file.name}));
  const std::string rows = ids_in(bench.worker(), table);
  return decide(rows == "3, 4, 5", "the second file of one name has " + rows);
}

Finding removed(Bench& bench) {
  const StagedFile file = bench.put(bench.stage(), "removed", ids("[1, 2]")).at(0);
  bench.stage().remove(file.name);
  const auto left = bench.stage().list();
  const bool there = std::find(left.begin(), left.end(), file.name) != left.end();
  return decide(!there, there ? "the file is still listed" : "the file is not listed any more");
}

Finding special_names(Bench& bench) {
  const std::string table = bench.id_table("P74"), stage = bench.name("Mixed case 'stage'");
  bench.watcher().execute("CREATE OR REPLACE STAGE " + stage + " ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')");
  const auto place = bench.stage_at("@" + stage + "/pulk/run_1/");
  const StagedFile file = bench.put(*place, "special", ids("[1, 2]")).at(0);
  const auto listed = place->list();
  begin(bench.worker());
  bench.worker().query(
      snowflake::copy_statement(table, {"ID"}, {"$1:\"ID\"::NUMBER(19,0)"}, 1, place->location(), {file.name}));
  const std::string rows = ids_in(bench.worker(), table);
  return decide(rows == "1, 2" && listed.size() == 1,
                "LIST has " + std::to_string(listed.size()) + " file, COPY loaded " + rows);
}

}  // namespace

std::vector<Probe> staging_probes() {
  constexpr const char* theme = "staging";
  return {
      {70, theme, Rests::running, "LIST names a file and its size after PUT",
       "pulk cannot see whether a file arrived whole: the run stops at its first file", size_in_list},
      {71, theme, Rests::running, "a file is there for a COPY of another session at once",
       "loads stop, because a file is not there yet", visible_at_once},
      {72, theme, Rests::running, "PUT with OVERWRITE = TRUE replaces a file of the same name",
       "nothing breaks: the names of files carry the attempt", overwritten},
      {73, theme, Rests::running, "REMOVE takes a file away", "files stay on the stage, and are paid for", removed},
      {74, theme, Rests::running, "stages with quotes and blanks in their names, and folders on them",
       "such a stage of yours cannot be used", special_names},
  };
}

}  // namespace pulk::prove
