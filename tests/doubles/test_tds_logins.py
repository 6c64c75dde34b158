"""Who gets into the stand-in for SQL Server, and how: Microsoft's driver, FreeTDS and python-tds."""

import json
import os
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest

from support.entra import Entra
from support.kerberos import REALM, Kdc
from support.sqlserver import FREETDS_DRIVER, ROOT, SqlServer, StatementFailed, microsoft_driver, stand_in_python

from .clients.odbc import ATTR_ACCESS_TOKEN, ATTR_PACKET_SIZE, Connection, OdbcError, access_token

DRIVERS = ("microsoft", "freetds")
PLAIN = "Zaphod;4711"  # FreeTDS cannot be told of a brace in a password, nor of one at the end of the string


def string(server, driver: str, **keywords) -> str:
    """A connection string; Encrypt, UID, PWD and DATABASE mean the same for both drivers."""
    given = {"Encrypt": "yes", **keywords}
    if driver == "microsoft":
        known = {"DRIVER": microsoft_driver(), "SERVER": f"{server.host},{server.port}"}
    else:
        known = {"DRIVER": FREETDS_DRIVER, "SERVER": server.host, "PORT": server.port, "TDS_Version": "7.4", "ClientCharset": "UTF-8",
                 "Encryption": "require" if given.pop("Encrypt") == "yes" else "off"}
    return ";".join(f"{key}={value}" for key, value in {**known, **given}.items() if value is not None)


@pytest.fixture(scope="module")
def server(sqlserver):
    sqlserver.control("users", name="plain", password=PLAIN)
    return sqlserver


def plain(server, driver, **keywords) -> str:
    return string(server, driver, **{"PWD": "{" + PLAIN + "}", "UID": "plain", **keywords})


def refused(connection_string, **more) -> OdbcError:
    with pytest.raises(OdbcError) as caught:
        Connection(connection_string, **more).close()
    return caught.value


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("encrypt", ("yes", "no"))
def test_login(server, driver, encrypt):
    with Connection(plain(server, driver, Encrypt=encrypt)) as connection:
        assert connection.execute("SELECT SUSER_SNAME(), DB_NAME()") == [("plain", "master")]
    login = server.control("logins")[-1]
    assert (login["user"], login["method"], login["encrypted"], login["error"]) == ("plain", "sql", encrypt == "yes", None)


def test_a_password_that_a_connection_string_would_take_apart(server):
    password = "Zaphod;4711}horse"
    server.control("users", name="nasty", password=password)
    with Connection(string(server, "microsoft", UID="nasty", PWD="{Zaphod;4711}}horse}")) as connection:
        assert connection.execute("SELECT SUSER_SNAME()") == [("nasty",)]


@pytest.mark.parametrize("driver", DRIVERS)
def test_wrong_password(server, driver):
    error = refused(string(server, driver, UID="plain", PWD="wrong"))
    assert 18456 in error.numbers and "Login failed for user 'plain'." in str(error)
    assert "28000" in error.states or driver == "freetds"
    assert 18456 in refused(string(server, driver, UID="nobody", PWD="x")).numbers


def test_wrong_password_of_a_third_client(server):
    """python-tds speaks for itself: the fixtures use it."""
    code = "import pytds, sys\ntry: pytds.connect('127.0.0.1', port=int(sys.argv[1]), user='plain', password='wrong')\nexcept pytds.LoginError as e: print(e)"
    done = subprocess.run([stand_in_python(), "-c", code, str(server.port)], capture_output=True, text=True, timeout=60)
    assert "Login failed for user 'plain'." in done.stdout + done.stderr


@pytest.mark.parametrize("state, number", [("expired", 18487), ("must_change", 18488), ("locked", 18486), ("disabled", 18470)])
@pytest.mark.parametrize("driver", DRIVERS)
def test_states_of_a_login(server, driver, state, number):
    server.control("users", name="sad", password="right", state=state)
    assert number in refused(string(server, driver, UID="sad", PWD="right")).numbers
    assert 18456 in refused(string(server, driver, UID="sad", PWD="wrong")).numbers


def test_unknown_database(server):
    error = refused(plain(server, "microsoft", DATABASE="nowhere"))
    assert error.records[0][0] == "42000" and 4060 in error.numbers and 'Cannot open database "nowhere"' in str(error)
    assert 18456 in error.numbers
    assert 18456 in refused(plain(server, "freetds", DATABASE="nowhere")).numbers


def test_untrusted_certificate(server, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "certificate verify failed" in str(refused(plain(server, "microsoft")))
    with Connection(plain(server, "microsoft", TrustServerCertificate="yes")) as connection:
        assert connection.execute("SELECT 1") == [("1",)]


def test_certificate_of_another_host(server):
    assert "certificate verify failed" in str(refused(plain(server, "microsoft", SERVER=f"127.0.0.1,{server.port}")))
    with Connection(plain(server, "microsoft", SERVER=f"127.0.0.1,{server.port}", HostNameInCertificate="localhost")) as connection:
        assert connection.execute("SELECT 1") == [("1",)]


def test_encryption_required_and_unsupported(server):
    try:
        server.control("settings", encryption="required")
        with Connection(plain(server, "microsoft", Encrypt="no")) as connection:
            assert connection.execute("SELECT 1") == [("1",)]
        assert server.control("logins")[-1]["encrypted"]
        before = len(server.control("logins"))
        with socket.create_connection(("127.0.0.1", server.port)) as raw:  # a client that cannot encrypt
            raw.sendall(bytes.fromhex("1201001a00000000") + bytes.fromhex("00000b000601001100 01ff".replace(" ", "")) + bytes(6) + b"\2")
            answer = b""
            while part := raw.recv(4096):
                answer += part
        assert answer[0] == 4 and len(server.control("logins")) == before  # told, and hung up on
        server.control("settings", encryption="unsupported")
        assert "SSL" in str(refused(plain(server, "microsoft"))) or "ncryption" in str(refused(plain(server, "microsoft")))
        with Connection(plain(server, "microsoft", Encrypt="no")) as connection:
            assert connection.execute("SELECT 1") == [("1",)]
    finally:
        server.control("settings", encryption="offered")


@pytest.mark.parametrize("asked, encrypt, agreed", [(512, "no", 512), (8000, "yes", 8000), (32767, "yes", 16383), (32767, "no", 32767)])
def test_packet_size(server, asked, encrypt, agreed):
    """Microsoft's driver sends no full encrypted packet above 16359 bytes: "Packet size too large for SSL Encrypt/Decrypt operations"."""
    text = "żółw" * (20000 if (asked, encrypt) != (32767, "yes") else 1000)
    with Connection(plain(server, "microsoft", Encrypt=encrypt), attributes={ATTR_PACKET_SIZE: asked}) as connection:
        assert connection.execute("SELECT REPLICATE(CAST(N'żółw' AS nvarchar(max)), 20000), CAST(? AS nvarchar(max))", text) == [("żółw" * 20000, text)]
    assert server.control("logins")[-1]["packet_size"] == agreed


def test_what_a_client_says_of_itself(server):
    with Connection(plain(server, "microsoft", APP="the loader", WSID="there", ApplicationIntent="ReadOnly", DATABASE="tempdb")) as connection:
        assert connection.execute("SELECT DB_NAME(), APP_NAME(), HOST_NAME()") == [("tempdb", "the loader", "there")]
    login = server.control("logins")[-1]
    assert (login["application"], login["host"], login["read_only_intent"], login["database"]) == ("the loader", "there", True, "tempdb")


def test_a_login_made_by_a_statement(server):
    server.execute("CREATE LOGIN made WITH PASSWORD = 'P4ss;word'")
    with Connection(string(server, "microsoft", UID="made", PWD="{P4ss;word}")) as connection:
        assert connection.execute("SELECT SUSER_SNAME()") == [("made",)]


# access tokens


@pytest.fixture(scope="module")
def entra():
    service = Entra()
    service.control("settings", scope="https://database.windows.net/.default")
    yield service
    service.remove()


def token_of(entra, **settings) -> str:
    entra.control("settings", **settings)
    form = {"grant_type": "client_credentials", "client_id": entra.client_id, "client_secret": entra.client_secret,
            "scope": settings.get("scope", "https://database.windows.net/.default")}
    with urllib.request.urlopen(f"{entra.address}/{entra.tenant}/oauth2/v2.0/token", urllib.parse.urlencode(form).encode(), timeout=30) as answer:
        return json.loads(answer.read())["access_token"]


def test_access_tokens(server, entra):
    server.control("settings", token_public_key=entra.public_key, token_issuer=entra.issuer)
    server.control("users", name=entra.subject)
    without_user = string(server, "microsoft")

    def log_in(token):
        with Connection(without_user, attributes={ATTR_ACCESS_TOKEN: access_token(token)}) as connection:
            return connection.execute("SELECT SUSER_SNAME()")

    good = token_of(entra)
    assert log_in(good) == [(entra.subject,)]
    assert server.control("logins")[-1]["method"] == "token"
    head, body, signature = good.split(".")
    wrong = {"other audience": token_of(entra, scope="api://another/.default"),
             "expired": token_of(entra, scope="https://database.windows.net/.default", expires_in=-10),
             "tampered": ".".join((head, body, signature[::-1])), "no token": "abc"}
    for what, token in wrong.items():
        error = refused(without_user, attributes={ATTR_ACCESS_TOKEN: access_token(token)})
        assert 18456 in error.numbers and "<token-identified principal>" in str(error), what
    server.control("settings", token_issuer="https://sts.windows.net/another/")
    assert 18456 in refused(without_user, attributes={ATTR_ACCESS_TOKEN: access_token(good)}).numbers


# Kerberos


OTHER_SERVICE = "MSSQLSvc/localhost:1"


@pytest.fixture(scope="module")
def kdc():
    made = Kdc()
    made.add("app", "stranger", OTHER_SERVICE)
    for client in ("app", "stranger"):
        made.kinit(made.keytab(client + ".keytab", client), client, made.folder / client)
    yield made
    made.remove()


def ticket(kdc, client) -> dict:
    return {"KRB5_CONFIG": str(kdc.config), "KRB5CCNAME": f"FILE:{kdc.folder / client}"}


@pytest.fixture(scope="module")
def kerberos_server(kdc):
    keytab = kdc.folder / "server.keytab"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KRB5_CONFIG", str(kdc.config))
        server = SqlServer(users={f"app@{REALM}": {}}, options=["--keytab", str(keytab)])
    service = f"MSSQLSvc/localhost:{server.port}"
    kdc.add(service)
    kdc.keytab(keytab.name, service)
    yield server
    server.remove()


@pytest.mark.parametrize("driver", DRIVERS)
def test_kerberos(kerberos_server, kdc, monkeypatch, driver):
    monkeypatch.setenv("SSL_CERT_FILE", str(kerberos_server.certificate))
    keywords = {"Trusted_Connection": "yes", "ServerSPN": f"MSSQLSvc/localhost:{kerberos_server.port}"}
    for name, value in ticket(kdc, "app").items():
        monkeypatch.setenv(name, value)
    with Connection(string(kerberos_server, driver, **keywords)) as connection:
        assert connection.execute("SELECT SUSER_SNAME()") == [(f"app@{REALM}",)]
    assert kerberos_server.control("logins")[-1]["method"] == "kerberos"
    monkeypatch.setenv("KRB5CCNAME", ticket(kdc, "stranger")["KRB5CCNAME"])
    error = refused(string(kerberos_server, driver, **keywords))
    assert 18456 in error.numbers and f"stranger@{REALM}" in str(error)


SPNEGO = """
import sys, gssapi
from types import SimpleNamespace as Facts
from tests.doubles.tds.logins import Negotiation
engine = Facts(find_login=lambda name: name)
service = Facts(keytab="FILE:" + sys.argv[1], engine=engine, state_of=lambda name: "fine")
client = gssapi.SecurityContext(name=gssapi.Name("MSSQLSvc/localhost:1", gssapi.NameType.kerberos_principal), usage="initiate",
                                mech=gssapi.OID.from_int_seq("1.3.6.1.5.5.2"))
server, token, login = Negotiation(service, Facts(database="", application="", host="", read_only_intent=False)), client.step(), None
assert b"\\x2b\\x06\\x01\\x05\\x05\\x02" in token[:20]
while not (login and client.complete):
    token, login = server.step(token)
    token = client.step(token) if token else token
print(login.user)
"""


def test_kerberos_inside_spnego(kdc):
    """Neither driver wraps its tickets so; others do."""
    keytab = kdc.keytab("another.keytab", OTHER_SERVICE)
    done = subprocess.run([stand_in_python(), "-c", SPNEGO, str(keytab)], cwd=ROOT, env={**os.environ, **ticket(kdc, "app")}, capture_output=True,
                          text=True, timeout=60)
    assert done.stdout == f"app@{REALM}\n", done.stderr


def test_a_ticket_for_another_service(kerberos_server, kdc, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(kerberos_server.certificate))
    for name, value in ticket(kdc, "app").items():
        monkeypatch.setenv(name, value)
    error = refused(string(kerberos_server, "microsoft", Trusted_Connection="yes", ServerSPN=OTHER_SERVICE))
    assert 18452 in error.numbers
    assert "not found in keytab" in kerberos_server.log()


def test_the_fixtures_client_names_an_error(server):
    with pytest.raises(StatementFailed) as caught:
        server.execute("SELECT * FROM nowhere.nothing")
    assert caught.value.number == 208
