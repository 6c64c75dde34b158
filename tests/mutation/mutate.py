"""Writes a copy of a source file in which the mark protocol is broken.

    mutate.py NAME SOURCE COPY

CMake calls it for the target pulk_mutant_mark, whose program the end-to-end tests test_crash_mutant.py and
test_snowflake_mutant.py kill: a test that does not turn red with it would prove nothing. Each pattern must be found
exactly once, so that a change of the source that takes the mutation out of it fails the build and not the sense of the
test.

The mutations of embedded targets are always on. Those for Snowflake, which are many, are off until the environment
variable PULK_MUTATION names one."""

import sys
from pathlib import Path

# What the copies for Snowflake, which ask for a mutation by name, begin with.
ASKED = """#include <cstdlib>
#include <string_view>
namespace {
bool mutated(std::string_view name) {
  const char* asked = std::getenv("PULK_MUTATION");
  return asked != nullptr && name == asked;
}
}  // namespace
"""

# The first three commit the mark first, in a transaction of its own, and the data in one that follows. The other way round,
# data first and mark after, is no violation where a partition or a table is replaced: its work is done once more.
MUTATIONS = {
    "duckdb_load": [
        ('    DuckdbTransaction transaction(file_);\n    step("load.begun");\n',
         '    {\n'
         '      DuckdbTransaction apart(file_);\n'
         '      marks_.set_loaded(who.run, duckdb::target_of(plan.target), load);\n'
         '      apart.commit();\n'
         '    }\n'
         '    DuckdbTransaction transaction(file_);\n    step("load.begun");\n'),
        ('    marks_.set_loaded(who.run, duckdb::target_of(plan.target), load);\n    step("load.marked");\n',
         '    step("load.marked");\n'),
    ],
    "duckdb_publish": [
        ('    DuckdbTransaction transaction(file_);\n    step("publish.begun");\n',
         '    {\n'
         '      DuckdbTransaction apart(file_);\n'
         '      marks_.set_published(who.run, target, fence, marks_.rows_to_publish(who.run, plan, target));\n'
         '      apart.commit();\n'
         '    }\n'
         '    DuckdbTransaction transaction(file_);\n    step("publish.begun");\n'),
        ('    marks_.set_published(who.run, target, fence, rows);\n    step("publish.marked");\n',
         '    step("publish.marked");\n'),
    ],
    "files_load": [
        ('    marks_.set_loaded(who.run, target, load);\n', ''),
        ('  transact([&] {\n    step("load.begun");\n',
         '  transact([&] { marks_.set_loaded(who.run, target, load); });\n'
         '  transact([&] {\n    step("load.begun");\n'),
    ],
    # load_mark_first: as above. load_keeps_rows: what an earlier attempt left of a partition stays in staging.
    "snowflake_load": [
        ('  if (query("SELECT 1 FROM " + rows + " LIMIT 1").empty()) return;\n',
         '  if (mutated("load_keeps_rows") || query("SELECT 1 FROM " + rows + " LIMIT 1").empty()) return;\n'),
        ('    transaction(who.run, [&] {\n      step("load.begun");\n',
         '    const auto mark = [&] {\n'
         '      marks(plan.target.database).set_loaded(who.run, snowflake::target_of(plan.target), load);\n'
         '    };\n'
         '    if (mutated("load_mark_first")) transaction(who.run, mark);\n'
         '    transaction(who.run, [&] {\n      step("load.begun");\n'),
        ('      marks(plan.target.database).set_loaded(who.run, snowflake::target_of(plan.target), load);\n'
         '      step("load.marked");\n',
         '      if (!mutated("load_mark_first")) mark();\n      step("load.marked");\n'),
    ],
    # publish_mark_first: as above. publish_data_first: the other way round, which matters to rows that are appended.
    "snowflake_publish": [
        ('    transaction(who.run, [&] {\n      step("publish.begun");\n',
         '    if (mutated("publish_mark_first"))\n'
         '      transaction(who.run, [&] {\n'
         '        all.set_published(who.run, target, fence, all.rows_to_publish(who.run, plan, target));\n'
         '      });\n'
         '    transaction(who.run, [&] {\n      step("publish.begun");\n'),
        ('      step("publish.data_in");\n',
         '      if (mutated("publish_data_first")) {\n'
         '        execute("COMMIT");\n'
         '        execute("BEGIN TRANSACTION NAME " + snowflake::transaction_name(who.run));\n'
         '        transaction_ = query("SELECT CURRENT_TRANSACTION()").at(0).at(0);\n'
         '      }\n'
         '      step("publish.data_in");\n'),
        ('      all.set_published(who.run, target, fence, rows);\n',
         '      if (!mutated("publish_mark_first")) all.set_published(who.run, target, fence, rows);\n'),
    ],
    # any_fence: whoever loads believes that the partition is still its own. any_transaction: the mark is set also when
    # the transaction of its rows was ended from outside.
    "snowflake_marks": [
        ('      " AND fence = " + number(load.fence) + " AND state = \'pending\'" + channel_.same_transaction());\n',
         '      (mutated("any_fence") ? "" : " AND fence = " + number(load.fence) + " AND state = \'pending\'") +\n'
         '      (mutated("any_transaction") ? "" : channel_.same_transaction()));\n'),
        ('" SET state = \'pending\'" + of(run, target, partition) +\n'
         '                       " AND fence = " + number(fence) + " AND state = \'pending\'" + channel_.same_transaction());\n',
         '" SET state = \'pending\'" + of(run, target, partition) +\n'
         '                       (mutated("any_fence") ? "" : " AND fence = " + number(fence) + " AND state = \'pending\'") +\n'
         '                       channel_.same_transaction());\n'),
        ('      " AND fence = " + number(fence) + " AND state = \'pending\'" + channel_.same_transaction());\n'
         '  if (changed != 1) not_changed(run, target, "", fence, MarkState::pending);\n',
         '      " AND fence = " + number(fence) + " AND state = \'pending\'" +\n'
         '      (mutated("any_transaction") ? "" : channel_.same_transaction()));\n'
         '  if (changed != 1) not_changed(run, target, "", fence, MarkState::pending);\n'),
    ],
}


def main(name, source, copy):
    text = Path(source).read_text()
    # Messages of the compiler name the original.
    mutant = (ASKED if name.startswith("snowflake_") else "") + f'#line 1 "{source}"\n' + text
    for pattern, replacement in MUTATIONS[name]:
        found = text.count(pattern)
        if found != 1:
            sys.exit(f"{source}: the mutation {name} no longer fits, this stands in it {found} times:\n{pattern}\n"
                     f"Change {__file__} with it.")
        mutant = mutant.replace(pattern, replacement)
    Path(copy).write_text(mutant)


if __name__ == "__main__":
    main(*sys.argv[1:])
