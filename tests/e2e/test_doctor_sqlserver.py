"""pulk doctor with SQL Server as the source: what is sound passes, and each broken piece fails under its own name, with what to do;
what rests on it is skipped."""

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from support.entra import Entra
from support.kerberos import Kdc
from support.server import find_program, free_port
from support.sqlserver import FREETDS_DRIVER, LOGIN, PASSWORD, PLAIN, SqlServer, plain_login
from support.vault import Vault

PATH = "data-pipelines/mssql"
KERBEROS = ["krb5.conf", *(f"kerberos {name}" for name in ("keytab", "kdc", "ticket", "clock", "service"))]


@pytest.fixture(scope="module")
def vault():
    server = Vault()
    server.control("put", path=PATH, values={"password": PASSWORD, "username": LOGIN})
    yield server
    server.remove()


@pytest.fixture(scope="module")
def entra():
    service = Entra()
    service.control("settings", scope="https://database.windows.net/.default")
    yield service
    service.remove()


@pytest.fixture(scope="module")
def kdc():
    server = Kdc()
    server.add("mover", "other")
    yield server
    server.remove()


@pytest.fixture(scope="module")
def kerberos_server(kdc):
    """A stand-in that takes tickets."""
    keytab = kdc.folder / "server.keytab"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KRB5_CONFIG", str(kdc.config))
        server = SqlServer(users={"mover@LAB.TEST": {}}, options=["--keytab", str(keytab)])
    kdc.add(f"MSSQLSvc/localhost:{server.port}")
    kdc.keytab("server.keytab", f"MSSQLSvc/localhost:{server.port}")
    yield server
    server.remove()


@pytest.fixture(scope="module")
def realm_database(kerberos_server):
    return kerberos_server.create_database()


class Report:
    def __init__(self, pulk, *args, env=None):
        self.result = pulk.run("doctor", *args, "--json", env=env)
        self.checks = {one["check"]: one for one in json.loads(self.result.stdout)}
        self.names = list(self.checks)
        assert PASSWORD not in self.result.text

    def statuses(self, *names) -> list:
        return [self.checks[name]["status"] for name in names]

    def fails(self, name, code, *texts, skipped=("source login", "exactly once", "tables")) -> "Report":
        """This check and no other one; with these texts in what it found and what is to be done."""
        failed = [one["check"] for one in self.checks.values() if one["status"] == "fail"]
        assert failed == [name] and self.result.code == code, self.result.text
        check = self.checks[name]
        for text in texts:
            assert text in check["detail"] + "\n" + check["fix"], check
        assert check["fix"]
        assert self.statuses(*skipped) == ["skip"] * len(skipped), self.result
        return self


@pytest.fixture
def orders(mssql):
    mssql.execute("CREATE TABLE orders (id int PRIMARY KEY, v nvarchar(9))", "ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON")
    return mssql


@pytest.fixture
def doctor(pulk, orders):
    """`doctor(port=…)`: the report on a connection with these keys."""

    def run(env=None, source=orders, **keys):
        pulk.write_config(source, **keys)
        pulk.write_workflow(["orders"])
        return Report(pulk, "workflow.json", env=env)

    return run


def test_all_is_well(doctor, vault, orders):
    report = doctor(vault.environment(), username=f"vault:{PATH}#username", password=f"vault:secret/data/{PATH}#password@1")
    assert report.result.code == 0, report.result.text
    assert report.names[:15] == ["vault", "vault login", f"vault:{PATH}", f"vault:secret/data/{PATH}", "connections file", "workflow",
                                 "source connection", "odbc driver", "source name", "source port", "source tls", "source login", "exactly once",
                                 "target connection", "duckdb library"]
    assert set(report.statuses(*report.names[:15], "table orders", "types")) == {"pass"}, report.result.text
    details = {name: check["detail"] for name, check in report.checks.items()}
    assert vault.address in details["vault"] and "by AppRole" in details["vault login"] and "policies etl" in details["vault login"]
    assert details[f"vault:{PATH}"] == "has username" and details[f"vault:secret/data/{PATH}"] == "has password@1"
    assert "Microsoft's: " in details["odbc driver"] and "libmsodbcsql-18." in details["odbc driver"]
    assert "127.0.0.1" in details["source name"]
    # As OpenSSL's own program has it.
    end = subprocess.run([find_program("openssl"), "x509", "-in", str(orders.server.certificate), "-noout", "-enddate", "-dateopt", "iso_8601"],
                         check=True, capture_output=True, text=True).stdout.strip().removeprefix("notAfter=").removesuffix("Z")
    tls = details["source tls"]
    assert "TLSv1.2" in tls and "CN = localhost for localhost, issued by itself" in tls and f"until {end} UTC" in tls
    assert tls.endswith(f"trusted by {orders.server.certificate}")
    assert "SQL Server 16" in details["source login"]
    assert details["exactly once"].startswith("snapshot with --parallel 1")


# --- Vault


def test_a_vault_that_is_sealed(doctor, vault):
    vault.control("settings", sealed=True)
    try:
        doctor(vault.environment(), password=f"vault:{PATH}#password").fails(
            "vault", 2, vault.address, "Vault is sealed", "unseal it", skipped=("vault login", f"vault:{PATH}", "connections file", "source login"))
    finally:
        vault.control("settings", sealed=False)


def test_a_vault_that_is_not_named(doctor):
    doctor(password=f"vault:{PATH}#password").fails("vault", 1, "VAULT_ADDR", "VAULT_ROLE_ID", skipped=("vault login", "source login"))


def test_a_login_that_the_vault_refuses(doctor, vault):
    doctor({**vault.environment(), "VAULT_SECRET_ID": "sid-wrong"}, password=f"vault:{PATH}#password").fails(
        "vault login", 5, "invalid role or secret ID", "VAULT_SECRET_ID", skipped=(f"vault:{PATH}", "connections file", "source login"))


def test_keys_that_are_missing(doctor, vault):
    """All at once, by path, and what is beside them."""
    report = doctor(vault.environment(), username=f"vault:{PATH}#user", password=f"vault:{PATH}#passwd", database=f"vault:{PATH}#username")
    report.fails(f"vault:{PATH}", 1, "has no key user", "has no key passwd", "\nhas username", "did you mean password?",
                 skipped=("connections file", "source connection", "source login", "target connection"))
    doctor(vault.environment(), password="vault:nowhere#password").fails(
        "vault:nowhere", 1, "there is no such secret", "vault kv get", skipped=("connections file", "source login"))


def test_a_path_that_the_policy_forbids(doctor, vault):
    vault.control("policy", paths=["secret/data/other"])
    try:
        doctor(vault.environment(), password=f"vault:{PATH}#password").fails(
            f"vault:{PATH}", 5, "permission denied", f'path "secret/data/{PATH}" {{ capabilities = ["read"] }}', skipped=("connections file",))
    finally:
        vault.control("policy", paths=["*"])


# --- driver, network, TLS


def test_drivers(doctor, orders):
    plain_login(orders)
    report = doctor(odbc_driver=FREETDS_DRIVER, trust_server_certificate=True, ca_certificate=None, username="plain", password=PLAIN)
    assert report.result.code == 0 and report.statuses("odbc driver", "source tls", "source login") == ["warn", "warn", "pass"], report.result.text
    assert "FreeTDS: " in report.checks["odbc driver"]["detail"] and "no tokens of Entra ID" in report.checks["odbc driver"]["detail"]
    assert "taken unseen" in report.checks["source tls"]["detail"]
    doctor(odbc_driver=FREETDS_DRIVER).fails("odbc driver", 1, "takes no ca_certificate", "Microsoft's driver")
    doctor(odbc_driver="/nowhere/libmsodbcsql-18.6.so").fails("odbc driver", 1, "/nowhere/libmsodbcsql-18.6.so", "correct the path")


def test_a_port_where_nobody_listens(doctor):
    doctor(port=free_port()).fails("source port", 2, "Connection refused", "firewall", skipped=("source tls", "source login", "exactly once"))


def test_a_port_of_something_else(doctor, vault):
    """Of an HTTP server, which waits for the end of a line."""
    report = doctor(port=int(vault.address.rsplit(":", 1)[1]), connect_timeout=1)
    assert report.statuses("source port", "source tls", "source login") == ["pass", "fail", "skip"], report.result.text
    assert report.result.code in (1, 2) and "SQL Server" in report.checks["source tls"]["fix"]


def test_a_host_that_is_unknown(doctor):
    report = doctor(host="no-such-host.invalid")
    assert report.statuses("source name", "source port", "source tls", "source login") == ["fail", "skip", "skip", "skip"], report.result.text
    assert "no-such-host.invalid" in report.checks["source name"]["detail"]


def test_an_untrusted_certificate(doctor):
    doctor(ca_certificate=None).fails("source tls", 5, "CN = localhost", "self-signed certificate", "by ca_certificate")


def test_a_certificate_of_another_host(doctor):
    doctor(host="127.0.0.1").fails("source tls", 5, "it is not for 127.0.0.1", 'hostname_in_certificate = "localhost"')
    report = doctor(host="127.0.0.1", hostname_in_certificate="localhost")
    assert report.result.code == 0, report.result.text


def test_a_server_that_cannot_encrypt_and_one_that_insists(doctor, orders):
    try:
        orders.server.control("settings", encryption="unsupported")
        doctor().fails("source tls", 5, "the server cannot encrypt", 'encrypt = "no"')
        orders.server.control("settings", encryption="required")
        assert "insists on encryption" in doctor(encrypt="no", ca_certificate=None).checks["source tls"]["detail"]
    finally:
        orders.server.control("settings", encryption="offered")
    report = doctor(encrypt="no", ca_certificate=None)
    assert report.statuses("source tls", "source login") == ["warn", "pass"], report.result.text


@pytest.fixture
def strict_server(tmp_path):
    """A server of OpenSSL's own, for TLS around everything, with a certificate that ended nine days ago."""
    certificate, key = tmp_path / "old.pem", tmp_path / "old.key"
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    assert library, "libfaketime is not installed; `make setup` installs what the tests need"
    subprocess.run([find_program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
                   check=True, stderr=subprocess.DEVNULL, env={**os.environ, "LD_PRELOAD": str(library), "FAKETIME": "-10d"})
    port = free_port()
    server = subprocess.Popen([find_program("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(certificate), "-key", str(key),
                               "-alpn", "tds/8.0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    while b"ACCEPT" not in server.stdout.readline():
        assert server.poll() is None
    yield port, certificate
    server.kill()
    server.communicate(timeout=30)


def test_a_certificate_that_has_ended(doctor, strict_server):
    port, certificate = strict_server
    doctor(port=port, encrypt="strict", ca_certificate=str(certificate)).fails(
        "source tls", 5, "TLSv1.3, certificate of CN = localhost for localhost", "certificate has expired", "this machine's clock says 20")


# --- Kerberos


@pytest.fixture
def by_ticket(pulk, kdc, realm_database):
    def run(**keys):
        pulk.write_config(realm_database, **{"username": None, "password": None, "auth": "kerberos", "principal": "mover@LAB.TEST",
                                             "krb5_conf": str(kdc.config),
                                             **{key: str(value) for key, value in keys.items()}})
        return Report(pulk)

    return run


def test_kerberos(by_ticket, kdc, kerberos_server):
    mover = kdc.keytab("mover.keytab", "mover")
    spn = f"MSSQLSvc/localhost:{kerberos_server.port}"
    report = by_ticket(keytab=mover)
    assert report.result.code == 0, report.result.text
    first = report.names.index("source name")
    assert report.names[first:first + 10] == ["source name", "source port", "source tls", *KERBEROS, "source login"]
    assert report.statuses(*KERBEROS, "source login") == ["pass"] * 7, report.result.text
    assert report.checks["kerberos service"]["detail"].startswith(spn + "@LAB.TEST")
    coded = base64.b64encode(Path(mover).read_bytes()).decode()
    assert coded[-60:] not in report.result.text


def test_a_keytab_of_another_principal(by_ticket, kdc):
    by_ticket(keytab=kdc.keytab("other.keytab", "other")).fails(
        "kerberos ticket", 1, "has no key of this principal", "those of other@LAB.TEST",
        skipped=("kerberos clock", "kerberos service", "source login", "exactly once"))


def test_a_kdc_that_is_stopped(by_ticket, kdc):
    mover = kdc.keytab("mover.keytab", "mover")
    with kdc.away():
        by_ticket(keytab=mover).fails("kerberos kdc", 2, "Connection refused", "port 88",
                                      skipped=("kerberos ticket", "kerberos service", "source login"))


def test_a_service_that_is_not_registered(by_ticket, kdc):
    spn = "MSSQLSvc/sql01.lab.test:1433"
    by_ticket(keytab=kdc.keytab("mover.keytab", "mover"), server_spn=spn).fails(
        "kerberos service", 5, f"knows no service {spn}", f"setspn -S {spn} DOMAIN\\ACCOUNT", skipped=("source login", "exactly once"))


# --- Entra ID


@pytest.fixture
def by_token(doctor, orders, entra):
    orders.server.control("settings", token_public_key=entra.public_key, token_issuer=entra.issuer)
    orders.server.control("users", name=entra.subject)
    orders.execute(f"CREATE USER [{entra.subject}]", f"GRANT SELECT ON orders TO [{entra.subject}]")

    def run(**keys):
        report = doctor(**{"auth": "entra", "username": None, "password": None, "azure_tenant_id": entra.tenant, "azure_client_id": entra.client_id,
                           "azure_client_secret": entra.client_secret, "azure_authority_host": entra.address, **keys})
        for secret in [entra.client_secret, *entra.control("tokens")]:
            assert secret not in report.result.text
        return report

    return run


def test_tokens(by_token, entra):
    report = by_token()
    assert report.result.code == 0 and report.statuses("source token", "source login", "table orders") == ["pass"] * 3, report.result.text
    detail = report.checks["source token"]["detail"]
    assert detail.startswith("for https://database.windows.net, until 20") and entra.issuer in detail
    by_token(azure_client_secret="wrong").fails("source token", 5, "AADSTS7000215", "not its id")
    entra.control("settings", scope="api://another/.default")
    try:
        report = by_token(azure_scope="api://another/.default")
    finally:
        entra.control("settings", scope="https://database.windows.net/.default")
    assert report.statuses("source token", "source login") == ["warn", "fail"], report.result.text
    assert "for api://another" in report.checks["source token"]["detail"] and "azure_scope" in report.checks["source token"]["fix"]


# --- login, moment, rights


def test_logins_that_are_refused(doctor):
    doctor(password="wrong").fails("source login", 5, "Login failed", "check the login", skipped=("exactly once", "tables"))
    doctor(database="nowhere").fails("source login", 5, "nowhere", "name of the database", skipped=("exactly once", "tables"))


def test_a_database_without_snapshots(doctor, orders):
    assert doctor(snapshot_lock=True).checks["exactly once"]["detail"].startswith("snapshot: ")
    orders.execute("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION OFF")
    check = doctor().checks["exactly once"]
    assert check["status"] == "warn" and "ALLOW_SNAPSHOT_ISOLATION ON" in check["detail"], check


def test_a_table_that_may_not_be_read(doctor, orders):
    orders.server.execute("CREATE LOGIN narrow_doctor WITH PASSWORD = 'Narrow-4711'")
    orders.execute("CREATE USER narrow_doctor")
    doctor(username="narrow_doctor", password="Narrow-4711").fails("table orders", 1, "there is no table or view orders", "SELECT", skipped=("types",))
