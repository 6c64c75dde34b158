"""examples/mssql-to-snowflake, from a Vault to Snowflake: its own files, led to the stand-ins by addresses."""

import json
import shutil
import time
from pathlib import Path

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import KILLED
from support.company import BRIEF, BRIEF_SECONDS, EXAMPLE, OLD, PATH, PRINCIPAL, REALM, USER, Company
from support.snowflake_table import check_nothing_left
from support.values import assert_same_rows

FEW = 2200  # rows, of which OLD are left out
SMALL_PARTITIONS = ('"maxRowsPerPartition": 50000', '"maxRowsPerPartition": 500')


@pytest.fixture(scope="module")
def company():
    made = Company()
    yield made
    made.remove()


@pytest.fixture
def example(pulk, company):
    """The example's files in the test's folder. What pulk leaves in its temporary folder, or shows, is looked at in the end."""
    company.restore()
    made = Example(pulk, company)
    yield made
    made.check_nothing_shows()


class Example:
    def __init__(self, pulk, company):
        self.pulk, self.company = pulk, company
        self.shown = []  # bytes that anybody could have seen
        for name in ("workflow.json", "configuration.toml"):
            shutil.copy(EXAMPLE / name, pulk.folder)
        shutil.copy(company.authority.certificate, pulk.folder / "corp-ca.pem")
        pulk.kind, pulk.target = "snowflake", company.place
        # The stand-in cannot have SQL Server's own port.
        self.replace('database = "SalesDB"', f'port = {company.sqlserver.port}\ndatabase = "SalesDB"')
        self.temporary = pulk.folder / "tmp"
        self.temporary.mkdir()
        self.environment = {**company.addresses(), "VAULT_ROLE_ID": company.vault.role_id, "VAULT_SECRET_ID": company.vault.secret_id,
                            "TMPDIR": str(self.temporary)}

    def replace(self, *changes, file="configuration.toml"):
        """Pairs of an old text, which must be there, and a new one."""
        path = self.pulk.folder / file
        text = path.read_text()
        for old, new in zip(changes[::2], changes[1::2]):
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text)

    def fill(self, rows=FEW):
        """A small table in small partitions."""
        self.company.fill(rows)
        self.replace(*SMALL_PARTITIONS, file="workflow.json")

    def arguments(self, *more) -> list:
        return ["migrate", "workflow.json", "-c", "configuration.toml", "--summary", self.pulk.summary_file, *more]

    def run(self, *arguments, **env):
        done = self.pulk.run(*arguments, env={**self.environment, **env})
        self.shown.append(done.text.encode())
        return done

    def migrate(self, *more, **env):
        return self.run(*self.arguments(*more), **env)

    def start(self, *more, **env):
        return self.pulk.start(*self.arguments(*more), env={**self.environment, **env})

    def check_finished(self, rows=FEW):
        assert_same_rows(self.company.expected(rows), self.pulk.rows("TRANSACTIONS_HISTORY", "SALES"))
        check_nothing_left(self.pulk.target)

    def check_nothing_shows(self):
        files = [path for path in self.pulk.folder.rglob("*") if path.is_file()]
        seen = self.shown + [path.read_bytes() for path in files]
        for secret in self.company.secrets():
            assert not any(secret in text for text in seen), secret
        assert list(self.temporary.iterdir()) == []
        assert [path for path in files if path.suffix == ".parquet"] == []


def test_the_whole_example(example, company):
    """Only the port of SQL Server is added."""
    rows = 50_000 + OLD + 200
    company.fill(rows)
    checks = {check["check"]: check for check in json.loads(example.run("doctor", "workflow.json", "-c", "configuration.toml", "--json").stdout)}
    assert [check for check in checks.values() if check["status"] == "fail"] == []
    assert {"krb5.conf", "kerberos keytab", "kerberos ticket", "kerberos service", "source login", "target login"} <= checks.keys()
    since = len(company.sqlserver.control("logins"))
    done = example.migrate("-v", "--log-format", "json").expect(0)
    table = done.table("TRANSACTIONS_HISTORY")
    assert table["rows"] == table["source_count"] == 50_200 and table["partitions"] == 2
    example.check_finished(rows)
    target = example.pulk.read("TRANSACTIONS_HISTORY", "SALES")
    assert dict(zip(target.columns, target.types))["AMOUNT"] == "NUMBER(19,4)"
    logins = company.sqlserver.control("logins")[since:]
    assert {(one["user"], one["method"], one["encrypted"]) for one in logins} == {(f"{PRINCIPAL}@{REALM}", "kerberos", True)}
    assert {one["user"] for one in company.snowflake.control("history") if one["tag"] and '"pulk"' in one["tag"]} == {USER.upper()}
