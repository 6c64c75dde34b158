"""examples/mssql-to-snowflake, from a Vault to Snowflake: its own files, led to the stand-ins by addresses."""

import json
import shutil
import time
from pathlib import Path

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import KILLED
from support.company import BRIEF, BRIEF_SECONDS, EXAMPLE, OLD, PATH, PRINCIPAL, REALM, USER, Authority, Company
from support.snowflake_table import check_nothing_left
from support.sqlserver import LOGIN, PASSWORD
from support.values import assert_same_rows

FEW = 2200  # rows, of which OLD are left out
TOKEN_SECONDS = 2
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

    def plan(self):
        return self.run("plan", "workflow.json", "-c", "configuration.toml")

    def start(self, *more, **env):
        return self.pulk.start(*self.arguments(*more), env={**self.environment, **env})

    def check_finished(self, rows=FEW):
        assert_same_rows(self.company.expected(rows), self.pulk.rows("TRANSACTIONS_HISTORY", "SALES"))
        check_nothing_left(self.pulk.target)

    def check_nothing_shows(self):
        files = [path for path in self.pulk.folder.rglob("*") if path.is_file() and path.name != ".env"]
        seen = self.shown + [path.read_bytes() for path in files]
        for secret in self.company.secrets():
            assert not any(secret in text for text in seen), secret
        assert list(self.temporary.iterdir()) == []
        assert [path for path in files if path.suffix == ".parquet"] == []


def test_the_whole_example(example, company):
    """Only the port of SQL Server is added. The secret id serves for one login."""
    rows = 50_000 + OLD + 200
    company.fill(rows)
    checks = {check["check"]: check for check in json.loads(example.run("doctor", "workflow.json", "-c", "configuration.toml", "--json").stdout)}
    assert [check for check in checks.values() if check["status"] == "fail"] == []
    company.vault.control("settings", secret_id_uses=1)
    assert {"vault login", f"vault:{PATH}", "source tls", "kerberos ticket", "kerberos service", "source login", "target token", "target login"} <= checks.keys()
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


def test_the_other_names_of_its_keys(example, company):
    """A secret with fewer keys, at a path as Vault's API has it."""
    path = "pipelines/mssql_to_snowflake"
    values = company.values()
    company.vault.control("policy", paths=[f"secret/data/{path}"])
    company.vault.control("put", path=path, values={"mssql_spn": values["mssql_spn"], "keytab_base64": values["mssql_keytab_base64"],
                                                    "client_id": values["azure_client_id"], "client_secret": values["azure_client_secret"],
                                                    "tenant_id": values["azure_tenant_id"]})
    example.fill()
    example.replace(f'"vault:{PATH}#mssql_server_fqdn"', '"localhost"', f'"vault:{PATH}#sf_account"', '"ACCT"', f'"vault:{PATH}#sf_user_email"', f'"{USER}"',
                    f"vault:{PATH}#", f"vault:secret/data/{path}#", "#mssql_keytab_base64", "#keytab_base64", "#azure_", "#")
    example.migrate().expect(0)
    example.check_finished()


def sleep_until(moment):
    """Tickets and tokens end by the clock alone."""
    time.sleep(max(0, moment - time.time()))


def test_a_run_outlives_its_lease_its_ticket_and_its_tokens(example, company):
    """All of it ends while pulk is stopped, keytab and client secret are made anew, and every session has to be made again."""
    vault, kdc, entra = company.vault, company.kdc, company.entra
    example.fill()
    vault.control("settings", ttl=1.0)
    entra.control("settings", expires_in=TOKEN_SECONDS)
    company.put(mssql_spn=f"{BRIEF}@{REALM}", mssql_keytab_base64=company.keytab(BRIEF))
    running = example.start(PULK_STOP_AT="partition.taken:2")
    running.wait_until_stopped()
    over = time.time() + max(BRIEF_SECONDS, TOKEN_SECONDS)
    kdc.admin(f"cpw -randkey {BRIEF}")
    entra.client_secret = entra.control("secret")
    company.put(mssql_spn=f"{BRIEF}@{REALM}", mssql_keytab_base64=company.keytab(BRIEF))
    logins, tickets, tokens = vault.logins(), kdc.issued(BRIEF), len(entra.control("tokens"))
    company.sqlserver.control("kill", database="SalesDB")
    company.snowflake.control("expire", user=USER, what="master")
    sleep_until(over)
    running.wake()
    running.wait().expect(0, "the login was refused; trying the secret that is stored now")
    assert vault.logins() > logins and kdc.issued(BRIEF) > tickets and len(entra.control("tokens")) > tokens
    example.check_finished()


@pytest.mark.parametrize("step", ["load.data_in:2", "publish.committed"])
def test_killed_and_resumed(example, company, step):
    example.fill()
    killed = example.start(PULK_CRASH_AT=step).wait()
    assert killed.code == KILLED, killed
    example.migrate().expect(0)
    example.check_finished()


def test_a_wrong_secret_id_is_tried_once(example, company):
    """Vault locks an AppRole after a few attempts."""
    before = company.vault.logins()
    example.environment["VAULT_SECRET_ID"] = "sid-wrong"
    example.plan().expect(5)
    assert company.vault.logins() == before + 1


# --- what is wrong

def other_certificate(example):
    Authority(example.temporary)
    shutil.copy(example.temporary / "ca.pem", example.pulk.folder / "corp-ca.pem")
    for path in example.temporary.iterdir():
        path.unlink()


def stale_keytab(example):
    stale = example.company.keytab("changed")
    example.company.kdc.admin("cpw -randkey changed")
    example.company.put(mssql_spn=f"changed@{REALM}", mssql_keytab_base64=stale)


def expired_password(example):
    example.company.sqlserver.control("users", name="loader", password=PASSWORD, state="expired")
    example.company.put(mssql_user="loader", mssql_password=PASSWORD)
    example.replace('auth = "kerberos"\n', "", "principal", "username", "#mssql_spn", "#mssql_user", "keytab_base64", "password")


WRONG = {
    # name: (what is done to it, exit class, words)
    "secret id": (lambda e: e.environment.update(VAULT_SECRET_ID="sid-wrong"), 5, ["login by AppRole is refused", "invalid role or secret ID", "VAULT_SECRET_ID"]),
    "key missing": (lambda e: e.company.put(azure_client_secret=None), 1, [f"vault:{PATH} has no key azure_client_secret", "azure_client_id"]),
    "version": (lambda e: e.replace("#azure_client_secret", "#azure_client_secret@999"), 1, ["no version 999", "connections.target.snowflake.azure_client_secret"]),
    "sealed": (lambda e: e.company.vault.control("settings", sealed=True), 2, ["Vault is sealed", "unseal it"]),
    "policy": (lambda e: e.company.vault.control("policy", paths=["secret/data/other"]), 5,
               ["permission denied", f'path "secret/data/{PATH}" {{ capabilities = ["read"] }}']),
    "keytab of another principal": (lambda e: e.company.put(mssql_keytab_base64=e.company.keytab("other")), 1,
                                    ["the keytab has no key of this principal", f"other@{REALM}"]),
    "stale keytab": (stale_keytab, 5, ["the key in the keytab is not the account's", "make a new one"]),
    "principal without a login": (lambda e: e.company.put(mssql_spn=f"other@{REALM}", mssql_keytab_base64=e.company.keytab("other")), 5,
                                  [f"Login failed for user 'other@{REALM}'"]),
    "certificate": (other_certificate, 5, ["certificate verify failed", "ca_certificate"]),
    "expired password": (expired_password, 5, ["The password of the account has expired"]),
    "client secret": (lambda e: e.company.put(azure_client_secret="wrong-" + "x" * 30), 5, ["AADSTS7000215: Invalid client secret provided.", "not its id"]),
    "user of the token": (lambda e: e.company.put(sf_user_email="somebody@corp.com"), 5, ["differs from the user tied to the access token"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong(example, company, name):
    do, code, words = WRONG[name]
    example.fill(700)
    do(example)
    done = example.migrate("-v", "--log-format", "json").expect(code)
    said = "\n".join(json.loads(line)["message"] for line in done.stderr.splitlines()) + done.stdout
    assert [text for text in words if text not in said] == [], done
    assert not example.pulk.workspace.exists() and not example.pulk.summary_file.exists()
    assert company.snowflake.sql("SHOW TABLES IN DATABASE RAW_ZONE") == company.snowflake.sql("SHOW STAGES IN DATABASE RAW_ZONE") == []
    assert {one["user"] for one in company.sqlserver.control("connections")} == {LOGIN}  # that of the fixture


# --- secrets

@pytest.mark.parametrize("way", ["environment", ".env"])
def test_the_running_process_shows_no_secret(example, company, way):
    example.fill()
    given = {name: example.environment.pop(name) for name in ("VAULT_ADDR", "VAULT_ROLE_ID", "VAULT_SECRET_ID")}
    if way == ".env":
        (example.pulk.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    else:
        example.environment.update(given)
    running = example.start("-v", "--log-format", "json", PULK_STOP_AT="load.data_in:2")
    running.wait_until_stopped()
    proc = Path(f"/proc/{running.pid}")
    environ = (proc / "environ").read_bytes()
    if way == "environment":
        before, put_there, after = environ.partition(f"VAULT_SECRET_ID={company.vault.secret_id}".encode())
        assert put_there
        environ = before + after
    example.shown += [environ, (proc / "cmdline").read_bytes(), *(path.read_bytes() for path in proc.glob("task/*/comm"))]
    assert [path.read_text() for path in proc.glob("task/*/children") if path.read_text().strip()] == []
    opened = [str(link.readlink()) for link in (proc / "fd").iterdir()]
    assert not any("keytab" in name or "krb5cc" in name for name in opened), opened
    core = next(line for line in (proc / "limits").read_text().splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"], core
    running.wake()
    running.wait().expect(0)
    example.run("status", "--json")
    example.check_finished()
    example.check_nothing_shows()


# --- SQL Server by tokens of Entra ID

def test_sql_server_by_tokens(example, company):
    """A token that has ended while pulk was stopped, and one that the server does not take."""
    entra, server = company.entra_of_sqlserver, company.sqlserver
    example.fill()
    company.put(sql_client_id=entra.client_id, sql_client_secret=entra.client_secret)
    example.replace('auth = "kerberos"', f'auth = "entra"\nazure_authority_host = "{entra.address}"\nazure_tenant_id = "{entra.tenant}"',
                    "principal =", "azure_client_id =", "#mssql_spn", "#sql_client_id", "keytab_base64 =", "azure_client_secret =",
                    "#mssql_keytab_base64", "#sql_client_secret")
    entra.control("settings", expires_in=TOKEN_SECONDS)
    since = len(server.control("logins"))
    running = example.start(PULK_STOP_AT="partition.taken:2")
    running.wait_until_stopped()
    over = time.time() + TOKEN_SECONDS
    before = len(entra.control("tokens"))
    server.control("kill", database="SalesDB")
    sleep_until(over)
    running.wake()
    running.wait().expect(0)
    assert len(entra.control("tokens")) > before
    example.check_finished()
    assert {(one["user"], one["method"], one["error"]) for one in server.control("logins")[since:]} == {(entra.subject, "token", None)}

    entra.control("settings", expires_in=3600)
    before = len(entra.control("tokens"))
    server.fault("refuse", number=18456)
    example.plan().expect(0)
    assert len(entra.control("tokens")) == before + 2
    server.fault("refuse", number=18456, times=2)
    example.plan().expect(5, "18456")
