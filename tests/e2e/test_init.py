"""pulk init: what it writes is what plan and migrate take, and it writes nothing when something is wrong."""

import os

import pytest

from support.server import LOGIN, PASSWORD

TABLES = """
CREATE TABLE orders (id integer PRIMARY KEY, total numeric(10,2));
INSERT INTO orders VALUES (1, 1.50), (2, NULL);
CREATE TABLE "Odd Name" ("A b" text);
INSERT INTO "Odd Name" VALUES ('x');
CREATE TABLE order_items (o integer, p integer, PRIMARY KEY (o, p));
CREATE VIEW v AS SELECT 1 AS one;
"""


def url(db) -> str:
    return f"postgresql://{LOGIN}@{db.server.host}:{db.server.port}/{db.name}"


@pytest.fixture
def ready(pulk, db):
    db.execute(TABLES)
    return pulk


def run(pulk, *args, password=PASSWORD):
    return pulk.run(*args, env={"PULK_PASSWORD": password})


def test_from_an_address_to_a_moved_table(ready, db):
    result = run(ready, "init", "--from", url(db), "--to", "duckdb:target.duckdb")
    result.expect(0, "wrote configuration.toml", "wrote workflow.yaml", "4 tables")
    config, workflow = (ready.folder / name for name in ("configuration.toml", "workflow.yaml"))
    assert PASSWORD not in config.read_text() and os.stat(config).st_mode & 0o77 == 0
    text = workflow.read_text()
    assert "public.orders: 2 columns" in text and "primary key id" in text and "(view)" in text
    run(ready, "migrate", "workflow.yaml").expect(0)
    assert ready.rows("orders") == [("1", "1.50"), ("2", None)]
    assert ready.rows("Odd Name") == [("x",)]
    assert ready.rows("v") == [("1",)]
    assert ready.rows("order_items") == []


def test_patterns(ready, db):
    run(ready, "init", "--from", url(db), "ORDER*").expect(0, "2 tables")
    run(ready, "init", "public.v", "-o", "other.yaml").expect(0, "1 table")
    assert "tableName: \"v\"" in (ready.folder / "other.yaml").read_text()
    run(ready, "init", "ordres", "-o", "third.yaml").expect(1, "ordres", "no table answers")
    assert not (ready.folder / "third.yaml").exists()


def test_files_that_are_there_stay(ready, db):
    (ready.folder / "workflow.yaml").write_text("mine")
    run(ready, "init", "--from", url(db)).expect(1, "workflow.yaml", "is there already", "--force")
    assert (ready.folder / "workflow.yaml").read_text() == "mine"
    assert not (ready.folder / "configuration.toml").exists()


@pytest.mark.parametrize("address, words", [
    ("postgresql://u:secret-4711@h/d", "holds a password"), ("oracle://u@h/d", "oracle"), ("postgresql://h", "names no database"),
    ("postgresql://u@h:99999/d", "the port"), ("nonsense", "no address")])
def test_bad_addresses(ready, address, words):
    result = run(ready, "init", "--from", address).expect(1, words)
    assert "secret-4711" not in result.text
    assert not list(ready.folder.glob("*.toml")) and not list(ready.folder.glob("*.init"))


def test_without_a_connections_file(ready):
    run(ready, "init").expect(1, "configuration.toml", "--from")


def test_a_server_that_refuses_leaves_nothing(ready, db):
    run(ready, "init", "--from", url(db), password="wrong-4711").expect(5)
    assert not list(ready.folder.glob("*.toml*")) and not list(ready.folder.glob("*.yaml"))
