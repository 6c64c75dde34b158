"""Columns that stand in Snowflake and are narrower than the source's: refused, never cut or rounded."""

import pytest

from support.pulk import table_entry
from support.snowflake_table import quote

# By the table's name: the source's type, a value that fits and one that does not, the column in the target, what arrives,
# what is said.
NARROW = {
    "text": ("varchar(10)", "'abc'", "'abcd'", "VARCHAR(3)", "abc", "is too long"),
    "bytes": ("bytea", "'\\x010203'", "'\\x01020304'", "BINARY(3)", "010203", "is too long"),
    "whole": ("bigint", "999", "1000", "NUMBER(3,0)", "999", "1000"),
    "whole_with_scale": ("bigint", "9", "10", "NUMBER(3,2)", "9.00", "10"),
    "scale": ("numeric(10,4)", "1.2500", "1.2345", "NUMBER(10,2)", "1.25", "1.2345 does not fit"),
    "digits": ("numeric(10,2)", "99.99", "100.00", "NUMBER(4,2)", "99.99", "100.00 does not fit"),
    "unconstrained": ("numeric", "0.5", "0.55", "NUMBER(38,1)", "0.5", "0.55 does not fit"),
    "to_whole": ("numeric(5,1)", "7.0", "7.5", "NUMBER(38,0)", "7", "7.5 does not fit"),
}

# What no value can be told by is refused before anything is read.
NEVER = {
    "clock": ("timestamp(6)", "TIMESTAMP_NTZ(3)"), "instant": ("timestamptz(3)", "TIMESTAMP_TZ(0)"), "daytime": ("time(6)", "TIME(5)"),
    "inexact": ("numeric(10,2)", "FLOAT"), "large": ("bigint", "FLOAT"), "single": ("double precision", "NUMBER(38,10)"),
}


def deploy(pulk, server, types):
    """Tables with these types of the column v, in a database of their own."""
    session = server.session()
    session.sql(f"CREATE DATABASE {quote(pulk.target.database)}")
    for name, type_ in types.items():
        session.sql(f"CREATE TABLE {quote(pulk.target.database)}.PUBLIC.{name} (id NUMBER(10,0), v {type_})")
    return session


@pytest.fixture
def ready(pulk, db, snowflake_server):
    pulk.write_config(db, target=snowflake_server)
    yield pulk
    snowflake_server.control("settings", casts_cut=False)


def test_a_value_that_does_not_fit_ends_its_table(ready, db, snowflake_server):
    """Also where casts would cut it, and where the options of a stage of the user's ask COPY to."""
    session = deploy(ready, snowflake_server, {name: case[3] for name, case in NARROW.items()})
    for name, (type_, fits, misfit, *_) in NARROW.items():
        db.execute(f"CREATE TABLE {name} (id integer, v {type_}); INSERT INTO {name} VALUES (1, {fits}), (2, {misfit})")
    snowflake_server.control("settings", casts_cut=True)
    session.sql(f"CREATE STAGE {quote(ready.target.database)}.PUBLIC.cutting COPY_OPTIONS = (TRUNCATECOLUMNS = TRUE PURGE = TRUE)")
    ready.target_keys["stage"] = f"@{ready.target.database}.PUBLIC.CUTTING"
    ready.rewrite_config()
    ready.write_workflow([table_entry(name) for name in NARROW])
    result = ready.migrate().expect(5)
    for name, (*_, said) in NARROW.items():
        error = result.table(name.upper())["error"]
        assert error["class"] == 5 and said in error["message"], f"{name}: {error}"
        assert ready.rows(name) == [], f"{name}: a value that does not fit has arrived, or its neighbour"
        db.execute(f"DELETE FROM {name} WHERE id = 2")
    ready.migrate().expect(0)
    assert {name: ready.rows(name) for name in NARROW} == {name: [("1", case[4])] for name, case in NARROW.items()}


def test_a_type_that_would_change_values_is_refused_before_the_first_read(ready, db, snowflake_server):
    deploy(ready, snowflake_server, {name: target for name, (_, target) in NEVER.items()})
    for name, (source, _) in NEVER.items():
        db.execute(f"CREATE TABLE {name} (id integer, v {source}); INSERT INTO {name} VALUES (1, NULL)")
    ready.write_workflow([table_entry(name) for name in NEVER])
    before = len(snowflake_server.statements("COPY INTO"))
    ready.migrate().expect(4, *(f"has the type {target}, which does not hold every" for _, target in NEVER.values()))
    assert len(snowflake_server.statements("COPY INTO")) == before
