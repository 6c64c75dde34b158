"""What tests break on purpose in the stand-in for SQL Server, and the road for benchmarks."""

import time

import pytest

from .clients.odbc import Connection, OdbcError

ROWS = 2000


@pytest.fixture(scope="module")
def database(sqlserver):
    made = sqlserver.create_database()
    made.execute("CREATE TABLE ten (n int NOT NULL)", "INSERT INTO ten VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)",
                 "CREATE TABLE many (n int NOT NULL, filler nvarchar(100) NULL)",
                 "INSERT INTO many SELECT a.n + b.n * 10 + c.n * 100 + d.n * 1000, REPLICATE(N'x', 100) FROM ten a CROSS JOIN ten b CROSS JOIN ten c "
                 "CROSS JOIN ten d WHERE d.n < 2")
    yield made
    made.drop()


@pytest.fixture
def server(database):
    yield database.server
    database.server.control("clear")
    database.server.control("repeat")
    database.server.control("settings", login_seconds=0)


def read(database, sql="SELECT n, filler FROM many"):
    """(rows that came, error or None)"""
    rows = 0
    with Connection(database.odbc()) as connection, connection.statement(timeout=30) as statement:
        try:
            statement.execute(sql)
            while statement.fetch() is not None:
                rows += 1
        except OdbcError as error:
            return rows, error
    return rows, None


def test_an_error_before_a_statement(database, server):
    server.fault("error", like="FROM many", number=1205, skip=1, times=2)
    outcomes = [read(database) for _ in range(4)]
    assert [rows for rows, _ in outcomes] == [ROWS, 0, 0, ROWS]
    assert outcomes[1][1].states == ["40001"] and outcomes[1][1].numbers == [1205] and "deadlock victim" in str(outcomes[1][1])
    server.fault("error", like="FROM many", number=12345, text="of my own", severity=17, state=9)
    assert read(database)[1].records[0][1:] == (12345, "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]of my own")


def test_an_error_in_the_middle_of_rows(database, server):
    server.fault("error", like="FROM many", number=1205, after_rows=1500)
    rows, error = read(database)
    assert rows == 1500 and error.numbers == [1205]
    server.fault("error", like="FROM many", number=596, after_rows=1500)  # the session is in the kill state
    assert 596 in read(database)[1].numbers


@pytest.mark.parametrize("action", ("close", "cut"))
def test_a_connection_that_ends_in_the_middle_of_rows(database, server, action):
    server.fault(action, like="FROM many", after_rows=1500)
    rows, error = read(database)
    assert 0 < rows <= 1500 and "08S01" in error.states
    assert read(database) == (ROWS, None)


def test_a_lost_answer_to_a_commit(database, server):
    server.fault("close", like="^COMMIT")
    with Connection(database.odbc(), autocommit=False) as connection:
        connection.execute("SELECT n FROM ten")
        with pytest.raises(OdbcError) as caught:
            connection.commit()
        assert "08S01" in caught.value.states


def test_a_stall_ends_when_faults_are_cleared(database, server):
    server.fault("stall", like="FROM many", after_rows=1500)
    with Connection(database.odbc()) as connection, connection.statement() as statement:
        statement.execute("SELECT n FROM many")
        first = [statement.fetch() for _ in range(1400)]
        server.control("clear")
        assert len(first) + len(statement.rows()) == ROWS


def test_a_stall_ends_by_a_timeout_of_the_query(database, server):
    server.fault("stall", like="FROM many")
    with Connection(database.odbc()) as connection, connection.statement(timeout=1) as statement:
        with pytest.raises(OdbcError) as caught:
            statement.execute("SELECT n FROM many")
        assert "HYT00" in caught.value.states
        assert connection.execute("SELECT 1") == [("1",)]


def test_refused_logins(database, server):
    server.fault("refuse", user="^mover$", times=2)
    server.fault("hang_up")
    errors = []
    for _ in range(3):
        with pytest.raises(OdbcError) as caught:
            Connection(database.odbc())
        errors.append(caught.value)
    assert [error.numbers[0] for error in errors[:2]] == [40613, 40613] and "08S01" in errors[2].states
    assert read(database) == (ROWS, None)
    server.fault("refuse", seconds=0.5)
    begin = time.monotonic()
    while time.monotonic() < begin + 10:
        try:
            Connection(database.odbc()).close()
            break
        except OdbcError as error:
            assert 40613 in error.numbers
    assert 0.4 < time.monotonic() - begin < 10


def test_a_slow_login(database, server):
    server.control("settings", login_seconds=0.3)
    begin = time.monotonic()
    Connection(database.odbc()).close()
    assert time.monotonic() - begin >= 0.3


@pytest.mark.parametrize("how", ("control", "statement"))
def test_a_killed_connection(database, server, how):
    with Connection(database.odbc()) as connection:
        (mine,) = [one for one in server.control("connections") if one["database"] == database.name]
        assert connection.execute("SELECT @@SPID") == [(str(mine["process"]),)]
        if how == "control":
            server.control("kill", process=mine["process"])
        else:
            server.execute(f"KILL {mine['process']}")
        with pytest.raises(OdbcError) as caught:
            connection.execute("SELECT 1")
        assert "08S01" in caught.value.states


def test_wrong_control_is_told(server):
    for what, body in (("faults", {"action": "explode"}), ("settings", {"speed": 1}), ("nothing", {}), ("repeat", {"table": "t", "times": 0}),
                       ("users", {"name": "x", "state": "sleepy"})):
        with pytest.raises(Exception, match="400"):
            server.control(what, **body)


def test_rows_that_are_repeated(database, server):
    """The first time they are recorded, then they come from memory; the answer is the same."""
    server.control("repeat", table="many", times=50)
    for _ in range(2):
        with Connection(database.odbc()) as connection, connection.statement() as statement:
            statement.execute("SELECT n, filler FROM many WHERE n < 100 ORDER BY n")
            rows = statement.rows()
            assert rows == [(str(n), "x" * 100) for n in range(100)] * 50
            assert connection.execute("SELECT COUNT(*) FROM many") == [(str(ROWS * 50),)]
            assert connection.execute("SELECT COUNT_BIG(*) FROM ten") == [("10",)]
    with Connection(database.odbc()) as connection, connection.statement() as statement:
        statement.execute("SELECT n, filler FROM many")
        assert statement.fetch() is not None
        statement.cancel()
        statement.close()
        assert connection.execute("SELECT 1") == [("1",)]


def test_memory_does_not_grow_with_a_result(database, server):
    """A hundred megabytes to a reader that is slower than the server."""
    def resident() -> int:
        status = open(f"/proc/{server.pid}/status").read()
        return int(status.split("VmRSS:")[1].split()[0]) << 10

    with Connection(database.odbc()) as connection, connection.statement() as statement:
        statement.execute("SELECT CAST(REPLICATE(N'y', 4000) AS nvarchar(4000)) AS wide FROM many a CROSS JOIN ten b")
        statement.fetch()
        before = most = resident()
        for _ in range(12_000):
            statement.fetch()
        most = max(most, resident())
        statement.cancel()
    assert most - before < 30 << 20
