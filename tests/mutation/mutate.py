"""Writes a copy of a source file in which the mark is committed outside of the data's transaction.

    mutate.py NAME SOURCE COPY

CMake calls it for the target pulk_mutant_mark, whose program the end-to-end test test_crash_mutant.py kills: a test that
does not turn red with it would prove nothing. Each pattern must be found exactly once, so that a change of the source
that takes the mutation out of it fails the build and not the sense of the test."""

import sys
from pathlib import Path

# All three commit the mark first, in a transaction of its own, and the data in one that follows. The other way round,
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
}


def main(name, source, copy):
    text = Path(source).read_text()
    # Messages of the compiler name the original.
    mutant = f'#line 1 "{source}"\n' + text
    for pattern, replacement in MUTATIONS[name]:
        found = text.count(pattern)
        if found != 1:
            sys.exit(f"{source}: the mutation {name} no longer fits, this stands in it {found} times:\n{pattern}\n"
                     f"Change {__file__} with it.")
        mutant = mutant.replace(pattern, replacement)
    Path(copy).write_text(mutant)


if __name__ == "__main__":
    main(*sys.argv[1:])
