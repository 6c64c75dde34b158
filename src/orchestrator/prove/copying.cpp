// What COPY loads, and what it says about it.
#include "base/strings.h"
#include "orchestrator/prove/value_table.h"
#include "warehouse/snowflake/copy_statement.h"

namespace pulk::prove {
namespace {

Finding copy_twice(Bench& bench, const std::string& name, bool force, const std::string& expected) {
  const std::string table = bench.id_table(name), file = bench.file_of_ids({1, 2});
  Client& worker = bench.worker();
  for (int i = 0; i < 2; ++i) {
    begin(worker);
    worker.query(bench.copy_of_ids(table, {file}, force));
    worker.execute("COMMIT");
  }
  const std::string rows = ids_in(bench.watcher(), table);
  return decide(rows == expected, "after the second COPY of one file the table has " + rows);
}

Finding forced(Bench& bench) { return copy_twice(bench, "P40", true, "1, 1, 2, 2"); }
Finding not_forced(Bench& bench) { return copy_twice(bench, "P41", false, "1, 2"); }

Finding missing_file(Bench& bench) {
  const std::string table = bench.id_table("P42"), file = bench.file_of_ids({1, 2});
  begin(bench.worker());
  const auto said = refusal(bench.worker(), bench.copy_of_ids(table, {file, "no-such-file.parquet"}));
  refusal(bench.worker(), "COMMIT");
  const std::string rows = ids_in(bench.watcher(), table);
  return decide(said && rows == "nothing", "COPY said " + brief(said) + "; the table has " + rows);
}

Finding rows_of_each_file(Bench& bench) {
  const std::string table = bench.id_table("P43");
  const std::string two = bench.file_of_ids({1, 2}), three = bench.file_of_ids({3, 4, 5});
  begin(bench.worker());
  std::string seen;
  bool held = true;
  std::size_t files = 0;
  for (const auto& row : bench.worker().named_rows(bench.copy_of_ids(table, {two, three}))) {
    const auto file = row.find("file"), rows = row.find("rows_loaded");
    if (file == row.end() || rows == row.end())
      return {Outcome::fail, "the answer has no columns file and rows_loaded"};
    const std::string name = file->second.substr(file->second.rfind('/') + 1);
    held = held && (name == two ? rows->second == "2" : name == three && rows->second == "3");
    seen += (seen.empty() ? "" : ", ") + file->second + ": " + rows->second;
    ++files;
  }
  return decide(held && files == 2, seen);
}

// Rows 3 and 1,000,000 do not fit NUMBER(3,0); `good` is a file that does.
struct Misfit {
  explicit Misfit(Bench& bench, const std::string& name)
      : table(bench.table(name, "ID NUMBER(3,0), \"_PULK_PARTITION\" NUMBER(10,0)")),
        good(bench.file_of_ids({1, 2})),
        bad(bench.file_of_ids({3, 1000000})) {
    begin(bench.worker());
    said = refusal(bench.worker(), snowflake::copy_statement(table, {"ID"}, {"$1:\"ID\"::NUMBER(3,0)"}, 1,
                                                             bench.stage().location(), {good, bad}));
    refusal(bench.worker(), "COMMIT");
  }
  std::string table, good, bad;
  std::optional<Error> said;
};

Finding all_or_nothing(Bench& bench) {
  const Misfit at(bench, "P44");
  const std::string rows = ids_in(bench.watcher(), at.table);
  return decide(at.said && rows == "nothing", "COPY said " + brief(at.said) + "; the table has " + rows);
}

Finding error_names_place(Bench& bench) {
  const Misfit at(bench, "P45");
  const std::string text = at.said ? at.said->message() : "";
  const bool file = text.find(at.bad) != std::string::npos, row = text.find("ow 2") != std::string::npos,
             column = text.find("\"ID\"") != std::string::npos;
  return decide(file && row && column, std::string("the error ") + (file ? "names" : "does not name") + " the file, " +
                                           (row ? "names" : "does not name") + " the row, " +
                                           (column ? "names" : "does not name") + " the column");
}

// A value that is too large for the type that stands in the target: never cut, never rounded.
Finding too_large(Bench& bench, const std::string& table, const LogicalType& type, const std::string& deployed,
                  const Carrier& carrier, const std::string& json) {
  std::string seen = "nothing";
  try {
    const std::string full = load(bench, table, type, "", deployed, numbered(array_of(carrier, json)));
    seen = value(bench.watcher(), "SELECT V::VARCHAR FROM " + full);
  } catch (const Error& error) {
    // A refusal of the value has a code of its own range; others are no answer to this question.
    if (error.message().rfind("100", 0) != 0) throw;
    return {Outcome::pass, "COPY said " + brief(error)};
  }
  return {Outcome::fail, "COPY loaded it, as " + seen};
}

Finding long_text(Bench& bench) {
  return too_large(bench, "P46", {TypeKind::text}, "VARCHAR(3)", {CarrierKind::utf8}, R"(["abcd"])");
}
Finding long_bytes(Bench& bench) {
  return too_large(bench, "P47", {TypeKind::bytes}, "BINARY(3)", {CarrierKind::binary}, R"(["abcd"])");
}
Finding large_number(Bench& bench) {
  return too_large(bench, "P48", {TypeKind::int64}, "NUMBER(3,0)", {CarrierKind::int64}, "[1000]");
}

}  // namespace

std::vector<Probe> copy_probes() {
  constexpr const char* theme = "copy";
  return {
      {40, theme, Rests::running, "FORCE = TRUE loads a file that was loaded before",
       "a partition that is read again cannot be loaded: the run stops, because its rows do not arrive", forced},
      {41, theme, Rests::running, "FORCE = FALSE does not", "nothing breaks: pulk does not rely on the load history",
       not_forced},
      {42, theme, Rests::running, "a file that is missing from the stage fails the COPY, and nothing is loaded",
       "pulk finds the missing file by itself, from the answer of COPY", missing_file},
      {43, theme, Rests::exactly_once, "COPY says for each file how many rows it loaded",
       "pulk cannot compare the rows that arrived with those that it wrote", rows_of_each_file},
      {44, theme, Rests::exactly_once, "one value that does not fit ends the COPY, and nothing of any file is loaded",
       "rows with such values are left out, and the others are loaded", all_or_nothing},
      {45, theme, Rests::running, "the error names file, row and column", "you have to look for the value yourself",
       error_names_place},
      {46, theme, Rests::values, "a text that is longer than its column ends the COPY, and is not cut",
       "texts are cut where the target has a shorter VARCHAR than the source: make it longer", long_text},
      {47, theme, Rests::values, "bytes that are longer than their column end the COPY, and are not cut",
       "bytes are cut where the target has a shorter BINARY than the source: make it longer", long_bytes},
      {48, theme, Rests::values, "a number that is too large for its column ends the COPY",
       "numbers change where the target has a smaller NUMBER than the source: make it larger", large_number},
  };
}

}  // namespace pulk::prove
