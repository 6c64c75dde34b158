"""What a role needs in Snowflake, by what it finds there. Each list of docs/snowflake-admin.md is enough; without any one of
its lines the run ends with an error that says what is missing, and nothing is lost: with it back, the run is resumed."""

import itertools

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import check_nothing_left, check_rows
from support.snowflake import Snowflake

WAREHOUSE = "USAGE ON WAREHOUSE COMPUTE_WH"
TABLE = "{db}.PUBLIC.T"

# name: (what is there, grants). Grants that are only customary beside others on the same object are not in these lists:
# a role sees a schema when it has any privilege on it.
LEVELS = {
    "tables": (
        ["CREATE SCHEMA {db}._PULK", "CREATE TABLE {db}.PUBLIC.T (ID NUMBER(10,0) NOT NULL, B VARCHAR)"],
        [WAREHOUSE, "USAGE ON DATABASE {db}", "USAGE ON SCHEMA {db}.PUBLIC", f"SELECT ON TABLE {TABLE}", f"INSERT ON TABLE {TABLE}",
         f"DELETE ON TABLE {TABLE}", "CREATE TABLE ON SCHEMA {db}._PULK", "CREATE STAGE ON SCHEMA {db}._PULK"]),
    "makes tables": (
        ["CREATE SCHEMA {db}._PULK"],
        [WAREHOUSE, "USAGE ON DATABASE {db}", "CREATE TABLE ON SCHEMA {db}.PUBLIC", "CREATE TABLE ON SCHEMA {db}._PULK",
         "CREATE STAGE ON SCHEMA {db}._PULK"]),
    "makes schemas": ([], [WAREHOUSE, "CREATE SCHEMA ON DATABASE {db}", "CREATE TABLE ON SCHEMA {db}.PUBLIC"]),
    "a stage of the users": (
        ["CREATE SCHEMA {db}._PULK", "CREATE SCHEMA {db}.FILES", "CREATE STAGE {db}.FILES.INCOMING"],
        [WAREHOUSE, "USAGE ON DATABASE {db}", "CREATE TABLE ON SCHEMA {db}.PUBLIC", "CREATE TABLE ON SCHEMA {db}._PULK",
         "USAGE ON SCHEMA {db}.FILES", "READ ON STAGE {db}.FILES.INCOMING", "WRITE ON STAGE {db}.FILES.INCOMING"]),
}
ENOUGH = [(level, None) for level in LEVELS]
# The lists have most of their lines in common.
MISSING = list({grant: (level, grant) for level, (_, grants) in reversed(LEVELS.items()) for grant in grants}.values())

# What the message says, by the privilege that is missing.
SAID = {
    WAREHOUSE: (1, ["warehouse"]),
    "USAGE ON DATABASE {db}": (5, ["sees no database {db}", 'GRANT USAGE ON DATABASE "{db}"']),
    "USAGE ON SCHEMA {db}.PUBLIC": (5, ['sees no schema "{db}"."PUBLIC"', 'GRANT USAGE ON SCHEMA "{db}"."PUBLIC"']),
    f"SELECT ON TABLE {TABLE}": (5, ["Insufficient privileges to operate on table 'T'", "GRANT"]),
    f"INSERT ON TABLE {TABLE}": (5, ["Insufficient privileges to operate on table 'T'", "GRANT"]),
    f"DELETE ON TABLE {TABLE}": (5, ["Insufficient privileges to operate on table 'T'", "GRANT"]),
    "CREATE TABLE ON SCHEMA {db}.PUBLIC": (5, ['"{db}"."PUBLIC"', "GRANT"]),
    "CREATE TABLE ON SCHEMA {db}._PULK": (5, ['"{db}"."_PULK"', "GRANT CREATE"]),
    "CREATE STAGE ON SCHEMA {db}._PULK": (5, ['GRANT CREATE STAGE ON SCHEMA "{db}"."_PULK"']),
    "CREATE SCHEMA ON DATABASE {db}": (5, ["GRANT", 'ON DATABASE "{db}"']),
    "USAGE ON SCHEMA {db}.FILES": (1, ["there is no such stage, or the role may not use it", "GRANT USAGE"]),
    "READ ON STAGE {db}.FILES.INCOMING": (5, ["Insufficient privileges to operate on stage", "GRANT"]),
    "WRITE ON STAGE {db}.FILES.INCOMING": (5, ["Insufficient privileges to operate on stage", "GRANT"]),
}
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def source(postgres):
    database = postgres.create_database()
    database.execute("CREATE TABLE t (id integer NOT NULL, b text); INSERT INTO t VALUES (1, 'a'), (2, NULL)")
    yield database
    database.drop()


@pytest.fixture
def ready(pulk, source, server):
    """Call it with a level: a database with what is there, and a role of its own with the level's grants."""
    pulk.write_config(source, target=server)
    pulk.write_workflow(["t"])
    pulk.expected = {"T": source.rows("TABLE t")}

    def prepare(level, grants=None):
        database = pulk.target.database
        there, listed = LEVELS[level]
        server.control("databases", name=database, schemas=["PUBLIC"])
        for sql in there:
            server.sql(sql.format(db=database))
        be_a_new_role(pulk, server, listed if grants is None else grants)
        if "FILES" in str(listed):
            pulk.target_keys["stage"] = f"@{database}.FILES.INCOMING"
        pulk.rewrite_config()
        return listed

    return prepare


def be_a_new_role(pulk, server, grants):
    name, database = f"LOADER{next(numbers)}", pulk.target.database
    pulk.give = lambda lines: server.control("roles", name=name, grants=[line.format(db=database) for line in lines])
    pulk.give(grants)
    server.control("users", name=name, password="x", roles=[name])
    pulk.target_keys.update(username=name, password="x", role=name)
    pulk.rewrite_config()


def check_finished(pulk):
    check_rows(pulk, pulk.expected)
    check_nothing_left(pulk)


@pytest.mark.parametrize("level, taken", ENOUGH + MISSING)
def test_what_a_role_needs(ready, pulk, level, taken):
    listed = ready(level)
    if taken is not None:
        pulk.give([line for line in listed if line != taken])
        code, texts = SAID[taken]
        pulk.migrate().expect(code, *[text.format(db=pulk.target.database) for text in texts])
        if taken.startswith("INSERT"):  # known before anything is read
            assert not pulk.target.server.statements(f'COPY INTO "{pulk.target.database}"')
        pulk.give(listed)
    pulk.migrate().expect(0)
    check_finished(pulk)
    # Once more, onto what the first run has made or filled.
    if taken is None:
        pulk.migrate().expect(0)
        check_finished(pulk)


def test_appending_needs_no_right_to_delete(ready, pulk):
    ready("tables", [line for line in LEVELS["tables"][1] if not line.startswith("DELETE")])
    pulk.migrate("--append").expect(0)
    check_finished(pulk)


def test_a_second_role_needs_a_share_in_the_marks(ready, pulk, server):
    """The tables of _PULK belong to the role that made them."""
    ready("tables")
    pulk.migrate().expect(0)
    be_a_new_role(pulk, server, LEVELS["tables"][1])
    pulk.migrate().expect(5, "_PULK", "may use it")
    shared = [f"{privilege} ON TABLE {{db}}._PULK.{table}" for table in ("MARK", "LEASE", "GUARD")
              for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE")]
    pulk.give(LEVELS["tables"][1] + shared)
    pulk.migrate().expect(0)
    check_finished(pulk)
