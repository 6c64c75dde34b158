"""Logins: what is right comes in, what is wrong is refused with the service's code."""

import subprocess
import sys
import time

import pytest

from doubles.clients.drive import CLIENTS, client_options, client_python, run_client

KEYS = """
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import rsa
import json
k = rsa.generate_private_key(65537, 2048)
print(json.dumps([k.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode(),
                  k.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo).decode()]))
"""
TOKEN = """
import json, jwt, sys
claims, key = json.load(sys.stdin)
print(jwt.encode(claims, key, algorithm="RS256"))
"""


def _python(code, text="") -> str:
    return subprocess.run([client_python("adbc"), "-c", code], input=text, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def keys():
    import json
    return json.loads(_python(KEYS)), json.loads(_python(KEYS))


def _login(server, client, **login):
    first = run_client(client, client_options(server, client, **login), ["SELECT CURRENT_USER()"])[0][0]
    return first["rows"][0][0] if "rows" in first else first["error"]


@pytest.mark.parametrize("client", CLIENTS)
def test_password(snowflake, client):
    assert _login(snowflake, client) == "MOVER"
    assert "390100" in _login(snowflake, client, password="wrong").replace("250001", "390100") and not snowflake.control("sessions")


@pytest.mark.parametrize("client", CLIENTS)
def test_key_pair(snowflake, client, keys):
    (private, public), (foreign, _) = keys
    snowflake.control("users", name="keyed", public_keys=[public], default_warehouse="COMPUTE_WH")
    assert _login(snowflake, client, user="keyed", authenticator="SNOWFLAKE_JWT", private_key=private) == "KEYED"
    assert _login(snowflake, client, user="keyed", authenticator="SNOWFLAKE_JWT", private_key=foreign) != "KEYED"
    assert not [s for s in snowflake.control("sessions") if s["user"] == "KEYED"]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("authenticator,kept_as", [("oauth", "oauth_tokens"), ("PROGRAMMATIC_ACCESS_TOKEN", "access_tokens")])
def test_tokens(snowflake, client, authenticator, kept_as):
    snowflake.control("users", name="token_user", **{kept_as: {"good-token": None, "old-token": time.time() - 5}})
    for token, want in (("good-token", "TOKEN_USER"), ("old-token", None), ("bad-token", None)):
        got = _login(snowflake, client, user="token_user", authenticator=authenticator, token=token)
        assert got == want if want else got != "TOKEN_USER", (token, got)


def test_access_token_as_password(snowflake):
    snowflake.control("users", name="token_user", access_tokens={"pat-1": None})
    assert _login(snowflake, "adbc", user="token_user", password="pat-1") == "TOKEN_USER"


def test_workload_identity(snowflake, keys):
    """ADBC only: the connectors refuse hosts that are not the service's."""
    import json
    (private, public), (foreign, _) = keys
    issuer, subject = "https://issuer.test", "system:serviceaccount:ns:pulk"
    snowflake.control("users", name="workload", workload={"issuer": issuer, "subject": subject, "public_key": public})
    claims = {"iss": issuer, "sub": subject, "aud": "snowflakecomputing.com", "exp": int(time.time()) + 60}

    def attempt(key, **changed):
        token = _python(TOKEN, json.dumps([{**claims, **changed}, key]))
        return _login(snowflake, "adbc", authenticator="WORKLOAD_IDENTITY", token=token)

    assert attempt(private) == "WORKLOAD"
    assert attempt(foreign) == "394500"
    assert attempt(private, exp=int(time.time()) - 60) == "394500"
    assert attempt(private, aud="elsewhere") == "394500"
    assert attempt(private, sub="nobody") == "394501"


def test_key_pair_claims(snowflake, keys):
    """Expired, from the future, for another account, with a foreign signature: each has its code."""
    import base64
    import hashlib
    import json
    import urllib.request
    (private, public), (foreign, _) = keys
    snowflake.control("users", name="keyed", public_keys=[public])
    der = base64.b64decode("".join(public.strip().split("\n")[1:-1]))
    mark = "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()
    now = int(time.time())
    good = {"iss": f"ACCT.KEYED.{mark}", "sub": "ACCT.KEYED", "iat": now, "exp": now + 60}

    def attempt(key=private, **changed):
        token = _python(TOKEN, json.dumps([{**good, **changed}, key]))
        body = {"data": {"AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": token, "LOGIN_NAME": "keyed", "ACCOUNT_NAME": "ACCT"}}
        request = urllib.request.Request(f"http://127.0.0.1:{snowflake.port}/session/v1/login-request", json.dumps(body).encode())
        return json.loads(urllib.request.urlopen(request).read())["code"]

    assert attempt() is None
    assert attempt(iat=now - 120, exp=now - 60) == "394301"
    assert attempt(iat=now + 600, exp=now + 660) == "394302"
    assert attempt(exp=now + 7200) == "394303"
    assert attempt(iss="OTHER.KEYED." + mark) == "394300"
    assert attempt(iss="ACCT.KEYED.SHA256:xxxx") == "394304"
    assert attempt(key=foreign) == "390144"


def test_roles_and_warehouses(snowflake):
    """A role sees and does only what it was given."""
    snowflake.control("roles", name="reader", grants=["USAGE ON DATABASE DB", "USAGE ON SCHEMA DB.S", "SELECT ON TABLE DB.S.T"])
    snowflake.control("users", name="low", password="p", roles=["READER"])
    owner = snowflake.session()
    for sql in ("CREATE DATABASE db", "CREATE SCHEMA s", "CREATE TABLE t (a INT)", "CREATE TABLE hidden (a INT)"):
        owner.sql(sql)
    results, = run_client("adbc", client_options(snowflake, "adbc", user="low", password="p", database="DB", schema="S"), [
        "CREATE TABLE mine (a INT)", "INSERT INTO t VALUES (1)", "CREATE DATABASE no", "SELECT * FROM t", "SELECT 1"])
    assert [r.get("error") for r in results] == ["003001", "003001", "003001", "000606", None]
    results, = run_client("adbc", client_options(snowflake, "adbc", role="NO_SUCH_ROLE"), ["SELECT 1"])
    assert results[0]["error"] == "390189"


def test_parents_and_owners(snowflake):
    """What is in a schema is there only for a role with some privilege on the schema and on its database. The role that
    makes an object owns it, and nothing else in the same schema."""
    snowflake.session().sql("CREATE DATABASE db")
    owner = snowflake.session(database="DB", schema="PUBLIC")
    for sql in ("CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)", "CREATE STAGE theirs"):
        owner.sql(sql)
    table, schema, warehouse = "SELECT ON TABLE DB.PUBLIC.T", "CREATE TABLE ON SCHEMA DB.PUBLIC", "USAGE ON WAREHOUSE COMPUTE_WH"
    client = "connector-4"

    def tried(grants, *statements) -> list:
        snowflake.control("roles", name="part", grants=grants)
        snowflake.control("users", name="low", password="p", roles=["PART"])
        results, = run_client(client, client_options(snowflake, client, user="low", password="p", warehouse="COMPUTE_WH"), list(statements))
        return [r.get("error") or r.get("rows") for r in results]

    select = "SELECT a FROM db.public.t"
    assert tried([table, schema, warehouse], select) == ["002003"]
    assert tried([table, "USAGE ON DATABASE DB", warehouse], select) == ["002003"]
    assert tried([table, "USAGE ON DATABASE DB", schema, warehouse], select) == [[["1"]]]
    own = tried(["USAGE ON DATABASE DB", schema, "CREATE STAGE ON SCHEMA DB.PUBLIC", warehouse],
                "CREATE TABLE db.public.mine (a INT)", "INSERT INTO db.public.mine VALUES (2)", "DELETE FROM db.public.mine",
                "CREATE STAGE db.public.mine", "DROP STAGE db.public.mine", "DROP TABLE db.public.mine",
                "DROP TABLE db.public.t", "DROP STAGE db.public.theirs")
    assert [r for r in own if isinstance(r, str)] == ["002003", "002003"] and own[-2:] == ["002003", "002003"]
    own = tried(["USAGE ON DATABASE DB", schema, "SELECT ON TABLE DB.PUBLIC.T", "READ ON STAGE DB.PUBLIC.THEIRS", warehouse],
                "DROP TABLE db.public.t", "DROP STAGE db.public.theirs", "INSERT INTO db.public.t VALUES (3)")
    assert own == ["003001", "003001", "003001"]


def test_only_its_user_ends_a_transaction(snowflake):
    session = snowflake.session()
    session.sql("CREATE DATABASE db")
    session.sql("BEGIN")
    [[number]] = session.sql("SELECT CURRENT_TRANSACTION()")
    snowflake.control("roles", name="other")
    snowflake.control("users", name="other", password="p", roles=["OTHER"])
    client = "connector-4"
    results, = run_client(client, client_options(snowflake, client, user="other", password="p"), [f"SELECT SYSTEM$ABORT_TRANSACTION({number})"])
    assert results[0]["error"] == "003001"
    assert snowflake.sql(f"SELECT SYSTEM$ABORT_TRANSACTION({number})") == [("Transaction aborted.",)]


def test_nothing_secret_is_told(snowflake):
    snowflake.session().sql("CREATE DATABASE db")
    snowflake.session(database="DB", schema="PUBLIC").sql(
        "CREATE STAGE e URL = 's3://b/p' CREDENTIALS = (AWS_KEY_ID = 'AKIDKEY' AWS_SECRET_KEY = 'Top-Secret-9')")
    told = str(snowflake.control("history")) + str(snowflake.control("requests")) + snowflake.log()
    assert "Top-Secret-9" not in told and "AKIDKEY" not in told and "horse" not in told
    assert "horse" not in " ".join(sys.argv)
