"""Statements with the results that every client must see. Written by hand, from the vendor's documents.

(sql, rows) or (sql, error code) or (sql, None): any rows. {files} is a folder with good.parquet and bad.parquet, {out} an empty one.
"""

DDL = [
    ("ALTER SESSION SET TIMEZONE = 'UTC'", None),
    ("CREATE DATABASE IF NOT EXISTS db", [["Database DB successfully created."]]),
    ("CREATE DATABASE IF NOT EXISTS db", [["DB already exists, statement succeeded."]]),
    ("CREATE DATABASE db", "002002"),
    ("CREATE SCHEMA IF NOT EXISTS db.s", [["Schema S successfully created."]]),
    ("USE SCHEMA db.s", [["Statement executed successfully."]]),
    ("SELECT CURRENT_DATABASE(), CURRENT_SCHEMA(), CURRENT_USER(), CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_ACCOUNT()",
     [["DB", "S", "MOVER", "ACCOUNTADMIN", "COMPUTE_WH", "ACCT"]]),
    ("CREATE TABLE IF NOT EXISTS t (n NUMBER(38,5) NOT NULL, s VARCHAR(5) DEFAULT 'd')", [["Table T successfully created."]]),
    ("CREATE TABLE IF NOT EXISTS t (x INT)", [["T already exists, statement succeeded."]]),
    ("CREATE TABLE t (x INT)", "002002"),
    ("CREATE TABLE bad (x NUMBER(39,0))", "002262"),
    ("CREATE TABLE twice (a INT, A INT)", "002025"),
    ("SELECT COLUMN_NAME, DATA_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE, CHARACTER_MAXIMUM_LENGTH, IS_NULLABLE FROM "
     "INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'T' ORDER BY ORDINAL_POSITION",
     [["N", "NUMBER", "38", "5", None, "NO"], ["S", "TEXT", None, None, "5", "YES"]]),
    ("CREATE TABLE moments (a TIMESTAMP_NTZ(0), b TIMESTAMP_TZ(7), c TIME(3), d DATE)", None),
    ("SELECT COLUMN_NAME, DATETIME_PRECISION FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'MOMENTS' ORDER BY ORDINAL_POSITION",
     [["A", "0"], ["B", "7"], ["C", "3"], ["D", None]]),
    ("CREATE TABLE other LIKE t", None),
    ("INSERT INTO other VALUES (1, 'o')", [["1"]]),
    ("ALTER TABLE t SWAP WITH other", [["Statement executed successfully."]]),
    ("SELECT * FROM t", [["1.00000", "o"]]),
    ("SELECT * FROM other", []),
    ("ALTER TABLE other RENAME TO gone", [["Statement executed successfully."]]),
    ("SELECT * FROM other", "002003"),
    ("DROP TABLE gone", [["GONE successfully dropped."]]),
    ("DROP TABLE gone", "002003"),
    ("DROP TABLE IF EXISTS gone", [["Drop statement executed successfully (GONE already dropped)."]]),
    ("USE SCHEMA nowhere", "002043"),
    ("SELECT * FROM nowhere.x.y", "002003"),
    ("SELECT nope FROM t", "000904"),
    ("SELEC 1", "001003"),
    ("SELECT no_such_function(1)", "002140"),
]

NAMES = [
    ('CREATE TABLE "Mixed" ("a" INT, "A" INT, "a b" INT, "a.b" INT, "a""b" INT, "select" INT, "🐟" INT, A$B INT)',
     [['Table "Mixed" successfully created.']]),
    ('INSERT INTO "Mixed" VALUES (1, 2, 3, 4, 5, 6, 7, 8)', [["1"]]),
    ('SELECT "a", a, "a b", "a.b", "a""b", "select", "🐟", a$b FROM "Mixed"', [["1", "2", "3", "4", "5", "6", "7", "8"]]),
    ("SELECT * FROM mixed", "002003"),
    ('UPDATE "Mixed" SET "a" = a + 10 WHERE "a" = 1', [["1", "0"]]),
    ('SELECT "a", A FROM "Mixed"', [["12", "2"]]),
]

VALUES = [
    ("CREATE TABLE v (i INT, n NUMBER(38,5), f FLOAT, b BOOLEAN, s VARCHAR, y BINARY, d DATE, t TIME(9), tn TIMESTAMP_NTZ(9), "
     "tl TIMESTAMP_LTZ(6), tz TIMESTAMP_TZ(7), tz3 TIMESTAMP_TZ(3), v VARIANT)", None),
    ("INSERT INTO v SELECT 1, 123456789012345678901234567890123.45678, 1.5e100, TRUE, 'a🐟', TO_BINARY('00ff', 'HEX'), '0001-01-01', "
     "'23:59:59.999999999', '9999-12-31 23:59:59.999999', '2024-07-01 10:00:00 +02:00', '2024-01-01 00:00:00.1234567 -05:30', "
     "'1969-12-31 23:59:59.999 +00:00', PARSE_JSON('{\"k\":[1,null,\"x\"]}')", [["1"]]),
    ("INSERT INTO v (i, s) VALUES (2, ''), (3, NULL)", [["2"]]),
    ("INSERT INTO v (i, n, tn, tl, tz) VALUES (4, -99999999999999999999999999999999.99999, '0001-01-01 00:00:00', "
     "'0001-01-01 00:00:00', '0001-01-01 00:00:00 +00:00')", [["1"]]),
    ("SELECT n, f, b, s, y, d, t, tn, tl, tz, tz3, v FROM v WHERE i = 1",
     [["123456789012345678901234567890123.45678", "1.5e+100", "true", "a🐟", "00ff", "0001-01-01", "23:59:59.999999",
       "9999-12-31T23:59:59.999999", "2024-07-01T08:00:00.000000", "2024-01-01T05:30:00.123456", "1969-12-31T23:59:59.999000",
       '{"k":[1,null,"x"]}']]),
    ("SELECT n, tn, tl, tz FROM v WHERE i = 4",
     [["-99999999999999999999999999999999.99999", "0001-01-01T00:00:00.000000", "0001-01-01T00:00:00.000000",
       "0001-01-01T00:00:00.000000"]]),
    ("SELECT i, s, s IS NULL FROM v WHERE i IN (2, 3) ORDER BY i", [["2", "", "false"], ["3", None, "true"]]),
    ("SELECT TO_CHAR(t, 'HH24:MI:SS.FF9'), TO_CHAR(tn, 'YYYY-MM-DD HH24:MI:SS.FF9'), "
     "TO_CHAR(tz, 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM') FROM v WHERE i = 1",
     [["23:59:59.999999999", "9999-12-31 23:59:59.999999000", "2024-01-01 00:00:00.123456700 -05:30"]]),
    ("SELECT tz::VARCHAR, y::VARCHAR, d::VARCHAR, n::VARCHAR, b::VARCHAR, v:k[2]::VARCHAR FROM v WHERE i = 1",
     [["2024-01-01 00:00:00.123 -0530", "00FF", "0001-01-01", "123456789012345678901234567890123.45678", "true", "x"]]),
    ("SELECT COUNT(*) FROM v WHERE tz > '2023-12-31' AND tn >= '2024-01-01'::TIMESTAMP_NTZ AND d < '2000-01-01'", [["1"]]),
    ("SELECT MAX(tn), MIN(n), COUNT(s) FROM v",
     [["9999-12-31T23:59:59.999999", "-99999999999999999999999999999999.99999", "2"]]),
    ("SELECT DATEADD(second, 30, '2024-02-28 23:59:45'::TIMESTAMP_NTZ), DATEADD(month, 1, '2024-01-31'::DATE), "
     "DATEDIFF(second, '2024-01-01'::TIMESTAMP_NTZ, '2024-01-02'::TIMESTAMP_NTZ)",
     [["2024-02-29T00:00:15.000000", "2024-02-29", "86400"]]),
    ("SELECT TO_TIMESTAMP_NTZ(17040672000000001, 7), TO_TIMESTAMP_TZ('2024-01-01 00:00:00 +01:00')",
     [["2024-01-01T00:00:00.000000", "2023-12-31T23:00:00.000000"]]),
    ("SELECT v::VARCHAR, TO_JSON(v) FROM (SELECT PARSE_JSON('[12345678901234567890123456789.5,\"x\"]') AS v)",
     [["[12345678901234567890123456789.5,\"x\"]"] * 2]),
    ("SELECT PARSE_JSON('12345678901234567890123456789.5')::NUMBER(38,1), PARSE_JSON('\"t\"')::VARCHAR, PARSE_JSON('null')::VARCHAR",
     [["12345678901234567890123456789.5", "t", None]]),
    ("BEGIN; SELECT 1", "000008"),
    ("SELECT 1; SELECT 2", "000008"),
    ("SELECT ';'; -- one statement", [[";"]]),
    ("SELECT 1/0", "100051"),
    ("SELECT 'x'::NUMBER", "100038"),
    ("SELECT '2024-02-30'::DATE", "100040"),
    ("SELECT 'x'::TIMESTAMP_NTZ", "100035"),
    ("SELECT 'x'::BOOLEAN", "100037"),
    ("SELECT TRY_CAST('x' AS NUMBER), TRY_TO_TIMESTAMP_NTZ('x')", [[None, None]]),
    ("INSERT INTO t (n) VALUES (NULL)", "100072"),
    ("INSERT INTO t VALUES (1, 'toolong')", "100078"),
    ("INSERT INTO t (n) SELECT CURRENT_TIMESTAMP()", "002023"),
    ("INSERT INTO t VALUES (1)", "002020"),
]

DML = [
    ("CREATE OR REPLACE TABLE d (id INT, x VARCHAR)", None),
    ("INSERT INTO d VALUES (1, 'a'), (2, 'b'), (3, NULL)", [["3"]]),
    ("UPDATE d SET x = x || '!' WHERE id <= 2", [["2", "0"]]),
    ("UPDATE d SET x = 'n' WHERE id = 99", [["0", "0"]]),
    ("UPDATE d SET x = src.y FROM (SELECT 1 AS i, 'from' AS y) src WHERE d.id = src.i", [["1", "0"]]),
    ("SELECT * FROM d ORDER BY id", [["1", "from"], ["2", "b!"], ["3", None]]),
    ("MERGE INTO d USING (SELECT 2 AS i, 'm' AS y UNION ALL SELECT 9, 'new') s ON d.id = s.i WHEN MATCHED THEN UPDATE SET x = s.y "
     "WHEN NOT MATCHED THEN INSERT (id, x) VALUES (s.i, s.y)", [["1", "1"]]),
    ("MERGE INTO d USING (SELECT 2 AS i UNION ALL SELECT 2) s ON d.id = s.i WHEN MATCHED THEN UPDATE SET x = 'z'", "100090"),
    ("MERGE INTO d USING (SELECT 9 AS i) s ON d.id = s.i WHEN MATCHED THEN DELETE", [["1"]]),
    ("DELETE FROM d USING (SELECT 3 AS i) s WHERE d.id = s.i", [["1"]]),
    ("SELECT * FROM d ORDER BY id", [["1", "from"], ["2", "m"]]),
    ("INSERT OVERWRITE INTO d (id) SELECT id + 100 FROM d", [["2"]]),
    ("SELECT * FROM d ORDER BY id", [["101", None], ["102", None]]),
    ("SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))", [["101", None], ["102", None]]),
    ("TRUNCATE TABLE d", [["Statement executed successfully."]]),
    ("SELECT COUNT(*) FROM d", [["0"]]),
]

STAGES = [
    ("CREATE TABLE l (a INT NOT NULL, b VARCHAR(5), c NUMBER(5,2))", None),
    ("CREATE TEMPORARY STAGE st FILE_FORMAT = (TYPE = PARQUET)", [["Stage area ST successfully created."]]),
    ("PUT 'file://{files}/good.parquet' @st/p/ AUTO_COMPRESS=FALSE OVERWRITE=TRUE", []),
    ("PUT 'file://{files}/bad.parquet' @st/p/ AUTO_COMPRESS=FALSE OVERWRITE=TRUE", []),
    ("LIST @st/p PATTERN = '.*good.*'", None),
    ('SELECT "name" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))', [["st/p/good.parquet"]]),
    ("COPY INTO l FROM @st/p FILES = ('good.parquet') MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE",
     [["st/p/good.parquet", "LOADED", "2", "2", "1", "0", None, None, None, None]]),
    ("COPY INTO l FROM @st/p FILES = ('good.parquet') MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE",
     [["st/p/good.parquet", "LOAD_SKIPPED", "0", "0", "1", "1", "File was loaded before.", None, None, None]]),
    ('COPY INTO l (a, b) FROM (SELECT $1:"a"::NUMBER(10,0), $1:"b"::VARCHAR FROM @st/p) FILES = (\'good.parquet\') FORCE = TRUE '
     "ON_ERROR = ABORT_STATEMENT", [["st/p/good.parquet", "LOADED", "2", "2", "1", "0", None, None, None, None]]),
    ("SELECT a, b, c FROM l ORDER BY a, c", [["1", "ok", "1.50"], ["1", "ok", None], ["2", None, "2.00"], ["2", None, None]]),
    ("COPY INTO l FROM @st/p FILES = ('bad.parquet') MATCH_BY_COLUMN_NAME = CASE_SENSITIVE", "100352"),
    ('COPY INTO l FROM (SELECT $1:"a", $1:"b", $1:"c" FROM @st/p) FILES = (\'bad.parquet\')', "100078"),
    ('COPY INTO l FROM (SELECT $1:"a", $1:"b", $1:"c" FROM @st/p) FILES = (\'bad.parquet\') ON_ERROR = SKIP_FILE',
     [["st/p/bad.parquet", "LOAD_FAILED", "4", "0", "1", "2", "String 'toolong' is too long and would be truncated", "2", "1",
       '"L"["B":2]']]),
    ('COPY INTO l FROM (SELECT $1:"a", $1:"b", $1:"c" FROM @st/p) FILES = (\'bad.parquet\') ON_ERROR = CONTINUE', "100078"),
    ('COPY INTO l FROM (SELECT $1:"a", $1:"b", $1:"c" FROM @st/p) FILES = (\'bad.parquet\') ON_ERROR = SKIP_FILE_9', "100078"),
    ("COPY INTO l FROM @st/p FILES = ('nix.parquet') MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE", "091016"),
    ("COPY INTO l FROM @st/p", "002018"),
    ("COPY INTO l FROM (SELECT $1:\"a\", COUNT(*) FROM @st/p GROUP BY 1)", "002073"),
    ("SELECT COUNT(*) FROM l", [["4"]]),
    ("COPY INTO @st/c/bad.csv FROM (SELECT 1, 'ok' UNION ALL SELECT 2, 'toolong' ORDER BY 1) FILE_FORMAT = (TYPE = CSV COMPRESSION = NONE) "
     "SINGLE = TRUE", None),
    ("COPY INTO l (a, b) FROM (SELECT $1, $2 FROM @st/c) FILES = ('bad.csv') FILE_FORMAT = (TYPE = CSV) ON_ERROR = CONTINUE",
     [["st/c/bad.csv", "PARTIALLY_LOADED", "2", "1", "2", "1", "String 'toolong' is too long and would be truncated", "2", "1",
       '"L"["B":2]']]),
    ("SELECT STATUS, ROW_COUNT, ERROR_COUNT FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => 'L', "
     "START_TIME => DATEADD(hours, -1, CURRENT_TIMESTAMP())))",
     [["Loaded", "2", "0"], ["Loaded", "2", "0"], ["Load failed", "0", "2"], ["Partially loaded", "1", "1"]]),
    ('SELECT $1:"a"::INT, METADATA$FILENAME, METADATA$FILE_ROW_NUMBER FROM @st/p/good.parquet',
     [["1", "p/good.parquet", "1"], ["2", "p/good.parquet", "2"]]),
    ("GET @st/p/good.parquet 'file://{out}/'", []),
    ("COPY INTO @st/out/x FROM (SELECT a, b FROM l WHERE a = 1) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE SINGLE = TRUE", None),
    ("COPY INTO @st/out/x FROM (SELECT a FROM l) FILE_FORMAT = (TYPE = PARQUET) SINGLE = TRUE", "001031"),
    ("SELECT $1:A::INT, $1:B::VARCHAR FROM @st/out/", [["1", "ok"], ["1", "ok"], ["1", "ok"]]),
    ("COPY INTO @st/tz/ FROM (SELECT CURRENT_TIMESTAMP() AS x) FILE_FORMAT = (TYPE = PARQUET)", "300010"),
    ("REMOVE @st/p", [["st/p/bad.parquet", "removed"], ["st/p/good.parquet", "removed"]]),
    ("LIST @st/p", []),
    ("PUT 'file://{files}/good.parquet' @~/mine AUTO_COMPRESS=FALSE OVERWRITE=TRUE", []),
    ("PUT 'file://{files}/good.parquet' @%l AUTO_COMPRESS=FALSE OVERWRITE=TRUE", []),
    ("LIST @nope", "002003"),
    ("COPY INTO l (a) FROM (SELECT $1:\"a\" FROM @%l) FILE_FORMAT = (TYPE = PARQUET)", None),
]

TRANSACTIONS = [
    ("CREATE OR REPLACE TABLE x (a INT)", None),
    ("BEGIN", [["Statement executed successfully."]]),
    ("INSERT INTO x VALUES (1)", [["1"]]),
    ("SELECT COUNT(*), CURRENT_TRANSACTION() IS NOT NULL FROM x", [["1", "true"]]),
    ("ROLLBACK", [["Statement executed successfully."]]),
    ("SELECT COUNT(*), CURRENT_TRANSACTION() IS NULL FROM x", [["0", "true"]]),
    ("BEGIN", None),
    ("INSERT INTO x VALUES (2)", [["1"]]),
    ("INSERT INTO x VALUES ('no number')", "100038"),
    ("COMMIT", [["Statement executed successfully."]]),
    ("SELECT * FROM x", [["2"]]),
    ("BEGIN", None),
    ("INSERT INTO x VALUES (3)", None),
    ("CREATE TABLE ends_it (a INT)", None),
    ("ROLLBACK", None),
    ("SELECT COUNT(*) FROM x", [["2"]]),
]

LARGE = [
    ("SELECT COUNT(*), SUM(n), MAX(n) FROM (SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => 250000)))",
     [["250000", "31249875000", "249999"]]),
]

ALL = [*DDL, *NAMES, *VALUES, *DML, *STAGES, *TRANSACTIONS, *LARGE]
