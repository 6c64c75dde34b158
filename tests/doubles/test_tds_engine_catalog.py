"""The engine behind the stand-in for SQL Server: definitions, what the catalog says of them, who may read."""

import pytest

from .tds.model import Login, SqlError, SqlType
from .tds_engine import make_engine, new_database


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = make_engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.close()


@pytest.fixture
def db(engine):
    client = new_database(engine)
    yield client
    client.session.close()


# type: system_type_id, user_type_id, max_length, precision, scale, as sys.columns of SQL Server 2022 has them
SIZES = {
    "bit": (104, 104, 1, 1, 0), "tinyint": (48, 48, 1, 3, 0), "smallint": (52, 52, 2, 5, 0), "int": (56, 56, 4, 10, 0), "bigint": (127, 127, 8, 19, 0),
    "decimal(9,2)": (106, 106, 5, 9, 2), "numeric(10,0)": (108, 108, 9, 10, 0), "decimal(28,8)": (106, 106, 13, 28, 8), "decimal(38,38)": (106, 106, 17, 38, 38),
    "money": (60, 60, 8, 19, 4), "smallmoney": (122, 122, 4, 10, 4), "float": (62, 62, 8, 53, 0), "real": (59, 59, 4, 24, 0), "float(24)": (59, 59, 4, 24, 0),
    "date": (40, 40, 3, 10, 0), "time(0)": (41, 41, 3, 8, 0), "time": (41, 41, 5, 16, 7), "datetime": (61, 61, 8, 23, 3), "smalldatetime": (58, 58, 4, 16, 0),
    "datetime2(0)": (42, 42, 6, 19, 0), "datetime2(3)": (42, 42, 7, 23, 3), "datetime2": (42, 42, 8, 27, 7), "datetimeoffset(0)": (43, 43, 8, 26, 0),
    "datetimeoffset": (43, 43, 10, 34, 7), "char(3)": (175, 175, 3, 0, 0), "varchar(30)": (167, 167, 30, 0, 0), "varchar(max)": (167, 167, -1, 0, 0),
    "nchar(3)": (239, 239, 6, 0, 0), "nvarchar(30)": (231, 231, 60, 0, 0), "nvarchar(max)": (231, 231, -1, 0, 0), "sysname": (231, 256, 256, 0, 0),
    "text": (35, 35, 16, 0, 0), "ntext": (99, 99, 16, 0, 0), "image": (34, 34, 16, 0, 0), "binary(5)": (173, 173, 5, 0, 0), "varbinary(max)": (165, 165, -1, 0, 0),
    "rowversion": (189, 189, 8, 0, 0), "uniqueidentifier": (36, 36, 16, 0, 0), "xml": (241, 241, -1, 0, 0), "sql_variant": (98, 98, 8016, 0, 0),
    "hierarchyid": (240, 128, 892, 0, 0), "geometry": (240, 129, -1, 0, 0), "geography": (240, 130, -1, 0, 0),
}


def test_types_of_columns(db):
    db.results("CREATE TABLE t (" + ", ".join(f"c{at} {native}" for at, native in enumerate(SIZES)) + ")")
    rows = db.rows("SELECT c.system_type_id, c.user_type_id, c.max_length, c.precision, c.scale FROM sys.columns AS c WHERE c.object_id = OBJECT_ID('t') "
                   "ORDER BY c.column_id")
    assert dict(zip(SIZES, rows)) == SIZES
    names = db.rows("SELECT t.name, b.name, t.is_assembly_type FROM sys.columns AS c JOIN sys.types AS t ON t.user_type_id = c.user_type_id LEFT JOIN "
                    "sys.types AS b ON b.user_type_id = c.system_type_id WHERE c.object_id = OBJECT_ID('t') ORDER BY c.column_id")
    wanted = [native.partition("(")[0].replace("rowversion", "timestamp").replace("float", "real") if native == "float(24)" else
              native.partition("(")[0].replace("rowversion", "timestamp") for native in SIZES]
    assert [name for name, _, _ in names] == wanted
    assert {base for name, base, assembly in names if assembly} == {None} and dict((n, b) for n, b, _ in names)["sysname"] == "nvarchar"


def test_flags_of_columns(db):
    db.results("CREATE TYPE code FROM varchar(7) NOT NULL")
    db.results("CREATE TABLE t (id bigint IDENTITY(5, 2), c code, n AS id * 2, p AS CONCAT(c, 'x') PERSISTED, s int SPARSE NULL, "
               "cs xml COLUMN_SET FOR ALL_SPARSE_COLUMNS, m nvarchar(9) MASKED WITH (FUNCTION = 'default()') COLLATE Latin1_General_BIN2 NOT NULL, "
               "g uniqueidentifier ROWGUIDCOL DEFAULT NEWID())")
    rows = db.rows("SELECT name, is_nullable, is_identity, is_computed, is_sparse, is_column_set, is_masked, collation_name, is_rowguidcol FROM sys.columns "
                   "WHERE object_id = OBJECT_ID('t') ORDER BY column_id")
    default = "SQL_Latin1_General_CP1_CI_AS"
    assert [tuple(int(cell) if isinstance(cell, bool) else cell for cell in row) for row in rows] == [
        ("id", 0, 1, 0, 0, 0, 0, None, 0), ("c", 0, 0, 0, 0, 0, 0, default, 0), ("n", 1, 0, 1, 0, 0, 0, None, 0), ("p", 0, 0, 1, 0, 0, 0, default, 0),
        ("s", 1, 0, 0, 1, 0, 0, None, 0), ("cs", 1, 0, 0, 0, 1, 0, None, 0), ("m", 0, 0, 0, 0, 0, 1, "Latin1_General_BIN2", 0), ("g", 1, 0, 0, 0, 0, 0, None, 1)]
    assert db.rows("SELECT name, is_persisted FROM sys.computed_columns ORDER BY column_id") == [("n", False), ("p", True)]
    assert db.row("SELECT t.name, t.is_user_defined, b.name FROM sys.columns AS c JOIN sys.types AS t ON t.user_type_id = c.user_type_id JOIN sys.types AS b "
                  "ON b.user_type_id = c.system_type_id WHERE c.name = 'c'") == ("code", True, "varchar")
    db.results("INSERT INTO t (c, s, m) VALUES ('a', 7, N'x')")
    assert [column.name for column in db.session.describe("SELECT * FROM t", [])] == ["id", "c", "n", "p", "cs", "m", "g"]
    assert db.row("SELECT id, n, p, s, cs FROM t") == (5, 10, "ax", 7, "<s>7</s>")
    described = db.session.describe("SELECT id, n, c FROM t", [])
    assert [(column.identity, column.computed, column.nullable) for column in described] == [(True, False, False), (False, True, True), (False, False, False)]


def test_keys_indexes_and_sizes(db):
    db.results("CREATE TABLE heap (a int)")
    db.results("CREATE TABLE t (a int NOT NULL, b varchar(9) NOT NULL, c int, CONSTRAINT pk_t PRIMARY KEY NONCLUSTERED (b, a DESC), CONSTRAINT u_t UNIQUE "
               "CLUSTERED (c)); CREATE INDEX i ON t (a) INCLUDE (c); INSERT INTO t VALUES (1, 'x', 1), (2, 'x', 2)")
    assert db.rows("SELECT name, index_id, type_desc, is_unique, is_primary_key, is_unique_constraint FROM sys.indexes WHERE object_id = OBJECT_ID('t') "
                   "ORDER BY index_id") == [("u_t", 1, "CLUSTERED", True, False, True), ("pk_t", 2, "NONCLUSTERED", True, True, False),
                                            ("i", 3, "NONCLUSTERED", False, False, False)]
    assert db.rows("SELECT c.name, k.key_ordinal, k.is_descending_key FROM sys.index_columns AS k JOIN sys.columns AS c ON c.object_id = k.object_id AND "
                   "c.column_id = k.column_id WHERE k.object_id = OBJECT_ID('t') AND k.index_id = 2 ORDER BY k.key_ordinal") == [("b", 1, False), ("a", 2, True)]
    assert db.rows("SELECT OBJECT_NAME(p.object_id), p.index_id, p.rows FROM sys.partitions AS p WHERE p.index_id < 2 ORDER BY 1") == [("heap", 0, 0), ("t", 1, 2)]
    assert db.value("SELECT SUM(a.used_pages) FROM sys.partitions AS p JOIN sys.allocation_units AS a ON a.container_id = p.hobt_id WHERE p.index_id IN (0, 1) "
                    "AND p.object_id = OBJECT_ID('t')") == 2
    assert db.rows("SELECT name, type FROM sys.key_constraints ORDER BY name") == [("pk_t", "PK"), ("u_t", "UQ")]
    assert db.value("SELECT OBJECT_ID('pk_t', 'PK')") == db.value("SELECT object_id FROM sys.objects WHERE name = 'pk_t'")
    assert db.fails("CREATE UNIQUE INDEX v ON t (b)") == 1505


def test_histograms_are_made_of_the_rows(db):
    db.results("CREATE TABLE t (k int NOT NULL PRIMARY KEY, n int NULL); CREATE STATISTICS s ON t (n)")
    db.results("INSERT INTO t SELECT value, NULLIF(value % 4, 0) FROM GENERATE_SERIES(1, 1000)")
    steps = db.rows("SELECT h.step_number, h.range_high_key, h.range_rows, h.equal_rows FROM sys.stats AS s CROSS APPLY "
                    "sys.dm_db_stats_histogram(s.object_id, s.stats_id) AS h WHERE s.object_id = OBJECT_ID('t') AND s.stats_id = 1 ORDER BY h.step_number")
    integer = SqlType("int")
    assert steps[0] == (1, (integer, 1), 0.0, 1.0) and steps[-1][1] == (integer, 1000) and len(steps) == 199
    assert sum(step[2] + step[3] for step in steps) == 1000
    assert db.rows("SELECT range_high_key, equal_rows FROM sys.dm_db_stats_histogram(OBJECT_ID('t'), 2) ORDER BY step_number") == [
        (None, 250.0), ((integer, 1), 250.0), ((integer, 2), 250.0), ((integer, 3), 250.0)]
    assert db.rows("SELECT s.name, c.column_id FROM sys.stats AS s JOIN sys.stats_columns AS c ON c.object_id = s.object_id AND c.stats_id = s.stats_id WHERE "
                   "s.stats_id = 2") == [("s", 2)]


def test_temporal_tables(db):
    db.results("CREATE TABLE t (id int PRIMARY KEY, v int, b datetime2 GENERATED ALWAYS AS ROW START HIDDEN NOT NULL, e datetime2 GENERATED ALWAYS AS ROW END "
               "HIDDEN NOT NULL, PERIOD FOR SYSTEM_TIME (b, e)) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.h))")
    db.results("INSERT INTO t VALUES (1, 1), (2, 2); UPDATE t SET v = 10 WHERE id = 1; DELETE FROM t WHERE id = 2")
    assert db.rows("SELECT * FROM t") == [(1, 10)] and db.rows("SELECT id, v FROM h ORDER BY id") == [(1, 1), (2, 2)]
    assert db.value("SELECT e FROM t") == (3652058, 863_999_999_999)
    assert db.rows("SELECT name, temporal_type FROM sys.tables ORDER BY name") == [("h", 1), ("t", 2)]
    assert db.rows("SELECT name, generated_always_type, is_hidden FROM sys.columns WHERE object_id = OBJECT_ID('t') AND is_hidden = 1") == [
        ("b", 1, True), ("e", 2, True)]
    assert db.fails("DROP TABLE t") == 13552


def test_altered_tables(db):
    db.results("CREATE TABLE t (id int PRIMARY KEY, v varchar(5)); INSERT INTO t VALUES (1, '12'), (2, NULL)")
    db.results("ALTER TABLE t ADD w int NOT NULL DEFAULT 3, x date NULL; ALTER TABLE t ALTER COLUMN v int")
    assert db.rows("SELECT * FROM t") == [(1, 12, 3, None), (2, None, 3, None)]
    assert db.fails("ALTER TABLE t ALTER COLUMN v int NOT NULL") == 515 and db.fails("ALTER TABLE t ADD y int NOT NULL") == 4901
    assert db.fails("ALTER TABLE t ALTER COLUMN w tinyint NOT NULL; ALTER TABLE t ALTER COLUMN x int") == 206
    db.results("ALTER TABLE t DROP COLUMN x, v")
    assert db.columns("SELECT * FROM t") == [("id", SqlType("int"), False), ("w", SqlType("tinyint"), False)]
    assert db.fails("INSERT INTO t VALUES (1, 1)") == 2627


def test_views_and_synonyms(db):
    db.results("CREATE TABLE t (id int NOT NULL, n nvarchar(9)); INSERT INTO t VALUES (1, N'a')")
    db.results("CREATE VIEW v (k, m) AS SELECT id + 1, n FROM t WHERE id > 0")
    db.results("CREATE SYNONYM s FOR dbo.t")
    assert db.rows("SELECT m, k FROM v WHERE k = 2") == [("a", 2)] and db.rows("SELECT n FROM s") == [("a",)]
    assert db.rows("SELECT name, RTRIM(type), is_ms_shipped FROM sys.objects WHERE type IN ('U', 'V') ORDER BY name") == [("t", "U", False), ("v", "V", False)]
    assert db.rows("SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('v') ORDER BY column_id") == [("k",), ("m",)]
    assert db.rows("SELECT TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES ORDER BY 1") == [("t", "BASE TABLE"), ("v", "VIEW")]
    assert db.row("SELECT DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, IS_NULLABLE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 't' AND COLUMN_NAME = 'n'") == (
        "nvarchar", 9, "YES")
    assert db.fails("CREATE VIEW w AS SELECT id FROM t ORDER BY id") == 1033


def test_databases_and_their_snapshots(db):
    name = db.database
    db.results("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
    db.results(f"CREATE DATABASE {name}_then ON (NAME = data, FILENAME = '/data/then.ss') AS SNAPSHOT OF {name}; INSERT INTO t VALUES (2)")
    assert db.rows(f"SELECT id FROM {name}_then.dbo.t") == [(1,)] and db.value("SELECT COUNT(*) FROM t") == 2
    assert db.row(f"SELECT d.name, s.name, d.is_read_only, d.snapshot_isolation_state, d.is_read_committed_snapshot_on FROM sys.databases AS d JOIN "
                  f"sys.databases AS s ON s.database_id = d.source_database_id WHERE s.name = '{name}'") == (f"{name}_then", name, True, 1, False)
    assert db.fails(f"INSERT INTO {name}_then.dbo.t VALUES (3)") == 3906
    assert db.fails(f"USE master; DROP DATABASE {name}") == 3709
    db.results(f"USE master; DROP DATABASE {name}_then")
    db.session.database = name
    db.results("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON")
    assert db.row("SELECT snapshot_isolation_state, snapshot_isolation_state_desc FROM sys.databases WHERE database_id = DB_ID()") == (1, "ON")
    with pytest.raises(SqlError) as caught:
        db.engine.open_session(Login("sa", "sql", "nowhere"))
    assert caught.value.number == 4060


def test_who_may_read(db, engine):
    db.results("CREATE LOGIN reader WITH PASSWORD = 'x'; CREATE USER reader FOR LOGIN reader")
    db.results("CREATE TABLE t (a int, b int); CREATE TABLE u (a int); CREATE VIEW v AS SELECT a FROM u")
    db.results("GRANT SELECT ON v TO reader; GRANT SELECT ON t (a) TO reader")
    reader = db.other("reader")
    assert reader.rows("SELECT a FROM t") == [] and reader.rows("SELECT * FROM v") == []
    assert reader.fails("SELECT b FROM t") == 230 and reader.fails("SELECT * FROM u") == 229 and reader.fails("INSERT INTO t VALUES (1, 1)") == 229
    assert reader.rows("SELECT name FROM sys.tables") == [("t",)]
    assert reader.row("SELECT SUSER_SNAME(), USER_NAME(), HAS_PERMS_BY_NAME('dbo.u', 'OBJECT', 'SELECT'), HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'UNMASK')") == (
        "reader", "reader", 0, 0)
    db.results("GRANT SELECT ON SCHEMA::dbo TO reader; DENY SELECT ON u TO reader")
    assert reader.rows("SELECT b FROM t") == [] and reader.fails("SELECT * FROM u") == 229
    assert reader.fails("CREATE TABLE w (a int)") == 262
    db.results("CREATE TABLE m (a int MASKED WITH (FUNCTION = 'default()'), b nvarchar(9) MASKED WITH (FUNCTION = 'default()'), c date); "
               "INSERT INTO m VALUES (7, N'secret', '2024-01-01')")
    assert reader.row("SELECT a, b FROM m") == (0, "xxxx") and db.row("SELECT a, b FROM m") == (7, "secret")
    db.results("GRANT UNMASK TO reader")
    assert reader.row("SELECT a, b FROM m") == (7, "secret")
    reader.session.close()
    with pytest.raises(SqlError) as caught:
        engine.open_session(Login("nobody", "sql"))
    assert caught.value.number == 18456
    other = new_database(engine)
    with pytest.raises(SqlError) as caught:
        engine.open_session(Login("reader", "sql", other.database))
    assert caught.value.number == 4060


def test_what_the_server_says_of_itself(db):
    assert db.row("SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')), CAST(SERVERPROPERTY('EngineEdition') AS int), "
                  "SERVERPROPERTY('nothing')") == ("16.0.4135.1", 3, None)
    assert db.types("SELECT SERVERPROPERTY('Edition'), @@SPID, DB_NAME()") == [SqlType("sql_variant"), SqlType("smallint"), SqlType("nvarchar", 128)]
    assert db.row("SELECT CONVERT(varchar(9), CONNECTIONPROPERTY('auth_scheme')), DB_NAME(), DB_NAME(DB_ID()), SCHEMA_NAME(), @@TRANCOUNT, ORIGINAL_LOGIN(), "
                  "CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation'))") == (
        "SQL", db.database, db.database, "dbo", 0, "sa", "SQL_Latin1_General_CP1_CI_AS")
    assert db.value("SELECT @@VERSION").startswith("Microsoft SQL Server 2022")
    assert db.row("SELECT session_id, transaction_isolation_level, login_name FROM sys.dm_exec_sessions WHERE session_id = @@SPID")[1:] == (2, "sa")


def test_described_columns(db):
    db.results("CREATE TABLE t (id int IDENTITY, n nvarchar(9) NULL, d decimal(9,2) NOT NULL, w AS d * 2)")
    rows = db.rows("EXEC sys.sp_describe_first_result_set N'SELECT id, n, d, w, 1 FROM t WHERE id = @p', N'@p int'")
    columns = [column.name for column in db.session.describe_first_result_set("SELECT 1 AS a", []).columns]
    assert len(columns) == 39
    wanted = ["is_hidden", "name", "is_nullable", "system_type_id", "system_type_name", "max_length", "precision", "scale", "is_identity_column"]
    assert [tuple(row[columns.index(name)] for name in wanted) for row in rows] == [
        (False, "id", False, 56, "int", 4, 10, 0, True), (False, "n", True, 231, "nvarchar(9)", 18, 0, 0, False),
        (False, "d", False, 106, "decimal(9,2)", 5, 9, 2, False), (False, "w", True, 106, "decimal(11,2)", 9, 11, 2, False),
        (False, None, False, 56, "int", 4, 10, 0, False)]
    assert db.session.describe("INSERT INTO t (d) VALUES (1)", []) == [] and db.value("SELECT COUNT(*) FROM t") == 0


def test_checks_and_foreign_keys(db):
    db.results("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int, p int NULL CONSTRAINT fk REFERENCES p (id), CONSTRAINT positive CHECK (id > 0))")
    db.results("INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1, 1), (2, NULL), (NULL, 2)")
    for sql in ("INSERT INTO c VALUES (0, NULL)", "UPDATE c SET p = 3", "DELETE FROM p WHERE id = 1", "BEGIN TRAN; INSERT INTO c VALUES (5, 9)"):
        assert db.fails(sql) == 547
    assert db.value("SELECT COUNT(*) FROM c") == 3 and db.session.trancount == 1
    db.session.rollback()
    assert db.fails("DROP TABLE p") == 3726 and db.fails("TRUNCATE TABLE p") == 4712
    assert db.rows("SELECT name, RTRIM(type) FROM sys.objects WHERE parent_object_id = OBJECT_ID('c') ORDER BY name") == [("fk", "F"), ("positive", "C")]
    db.results("ALTER TABLE c DROP CONSTRAINT fk; DELETE FROM p; ALTER TABLE c DROP CONSTRAINT positive; INSERT INTO c VALUES (-1, 9)")
    assert db.fails("ALTER TABLE c ADD CONSTRAINT again CHECK (id > 0)") == 547
