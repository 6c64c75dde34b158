"""How pulk logs in to Snowflake: every way that the stand-in checks, and what is said when it refuses."""

import base64
import json
import os
import subprocess
import time

import pytest

from support.snowflake import ACCOUNT, LOGIN, PASSWORD

PASSPHRASE = "Ford;Prefect'42"
TOKEN = "tok3n-that-nobody-may-see"


def openssl(*arguments, **kwargs) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **kwargs).stdout


class Key:
    """An RSA key pair: .plain and .locked are files in PKCS#8."""

    def __init__(self, folder):
        self.plain, self.locked = folder / "plain.p8", folder / "locked.p8"
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.plain)
        openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", self.plain, "-out", self.locked, "-passout", "env:PASS",
                env={**os.environ, "PASS": PASSPHRASE})
        self.public = openssl("pkey", "-in", self.plain, "-pubout").decode()

    def token(self, claims: dict) -> str:
        """A JSON Web Token, RS256."""
        def text(data: bytes) -> str:
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        signed = text(b'{"alg":"RS256","typ":"JWT"}') + "." + text(json.dumps(claims).encode())
        return signed + "." + text(openssl("dgst", "-sha256", "-sign", self.plain, input=signed.encode()))


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("key"))


@pytest.fixture
def login(pulk, snowflake, sqlite_source):
    """Runs the doctor with other keys of the connection (None leaves one out); gives the check of the login."""
    source = sqlite_source("CREATE TABLE t (id INTEGER PRIMARY KEY)")

    def run(env=None, **keys) -> dict:
        pulk.write_config(source, target=snowflake)
        kept = {**pulk.target_keys, "login_timeout": 5, **keys}
        pulk.target_keys = {name: value for name, value in kept.items() if value is not None}
        pulk.rewrite_config()
        result = pulk.run("doctor", "--json", env=env)
        for secret in (PASSWORD, TOKEN, PASSPHRASE, "BEGIN PRIVATE KEY"):
            assert secret not in result.text, "a secret shows"
        checks = {check["check"]: check for check in json.loads(result.stdout)}
        check = checks.get("target login") if checks["target connection"]["status"] == "pass" else checks["target connection"]
        return {**check, "code": result.code}

    return run


def passed(check):
    assert check["status"] == "pass", check
    assert f"account {ACCOUNT}, user {LOGIN.upper()}, role ACCOUNTADMIN, warehouse COMPUTE_WH" in check["detail"], check


def failed(check, code, *texts):
    assert check["status"] == "fail", check
    for text in texts:
        assert text in check["detail"] + check["fix"], check
    assert check["code"] == code, check


def test_password(login):
    passed(login())
    failed(login(password="wrong"), 5, "390100", "Incorrect username or password", "check user, password")
    failed(login(user="nobody", username=None), 5, "390100")


def test_key_pair(login, snowflake, key, tmp_path):
    snowflake.control("users", name=LOGIN, public_keys=[key.public], default_warehouse="COMPUTE_WH")
    passed(login(password=None, private_key_file=str(key.plain)))
    passed(login(password=None, authenticator="SNOWFLAKE_JWT", private_key_file=str(key.plain)))
    passed(login(password=None, private_key_file=str(key.locked), private_key_passphrase="env:PASSPHRASE",
                 env={"PASSPHRASE": PASSPHRASE}))
    failed(login(password=None, private_key_file=str(key.locked)), 1, "encrypted", "no passphrase")
    failed(login(password=None, private_key_file=str(key.locked), private_key_passphrase="wrong"), 1, "private key")
    failed(login(password=None, private_key_file=str(Key(tmp_path).plain)), 5, "JWT", "RSA_PUBLIC_KEY")


def test_oauth(login, snowflake, tmp_path):
    snowflake.control("users", name=LOGIN, oauth_tokens={TOKEN: None, "old-token": 1}, default_warehouse="COMPUTE_WH")
    passed(login(password=None, authenticator="oauth", token="env:TOKEN", env={"TOKEN": TOKEN}))
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    passed(login(password=None, authenticator="oauth", token_file_path=str(file)))
    failed(login(password=None, authenticator="oauth", token="old-token"), 2, "expired", "get a new token")
    failed(login(password=None, authenticator="oauth", token="unknown"), 5, "Invalid OAuth access token")
    failed(login(password=None, authenticator="oauth"), 1, "the token is missing")


def test_programmatic_access_token(login, snowflake):
    snowflake.control("users", name=LOGIN, access_tokens={TOKEN: None}, default_warehouse="COMPUTE_WH")
    passed(login(password=None, authenticator="PROGRAMMATIC_ACCESS_TOKEN", token=TOKEN))
    passed(login(password=TOKEN))
    failed(login(password=None, authenticator="PROGRAMMATIC_ACCESS_TOKEN", token="unknown"), 5, "394400")


def test_workload_identity(login, snowflake, key):
    identity = {"issuer": "https://issuer.example", "subject": "system:pulk", "public_key": key.public}
    snowflake.control("users", name=LOGIN, workload=identity, default_warehouse="COMPUTE_WH")

    def token(**claims):
        return key.token({"iss": identity["issuer"], "sub": identity["subject"], "aud": "snowflakecomputing.com",
                          "exp": int(time.time()) + 300, **claims})

    keys = {"password": None, "authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": "OIDC"}
    passed(login(**keys, token=token()))
    failed(login(**keys, token=token(sub="somebody else")), 5, "394501")
    failed(login(**{**keys, "workload_identity_provider": "IBM"}, token=token()), 1, "AWS, AZURE, GCP, OIDC")


def test_browser_without_a_person(login):
    failed(login(password=None, authenticator="externalbrowser"), 1, "needs a person at a terminal")


def test_names_that_are_not_there(login):
    failed(login(warehouse="NOPE"), 1, "390201", "check warehouse")
    failed(login(role="NOPE"), 1, "390189", "check `role`")


def test_nobody_answers(login):
    failed(login(port=1), 2, "connection refused", "check host, port and network")


def test_every_problem_of_the_settings_at_once(login):
    check = login(account="https://x.snowflakecomputing.com", protocol="ftp", authenticator="oath")
    failed(check, 1, 'write account = "x"', "protocol", 'did you mean "oauth"')


def test_a_named_connection(login, snowflake, pulk, sqlite_source, tmp_path):
    home = tmp_path / "snowflake"
    home.mkdir()
    keys = snowflake.keys()
    lines = ["[dev]"] + [f"{name} = {json.dumps(value)}" for name, value in keys.items()]
    (home / "connections.toml").write_text("\n".join(lines) + "\n")
    (home / "connections.toml").chmod(0o600)
    source = sqlite_source("CREATE TABLE u (id INTEGER PRIMARY KEY)", "other.sqlite")
    pulk.write_config(source, target=snowflake)
    pulk.kind, pulk.target_keys = "snowflake_connection_name", {"connection_name": "dev"}
    pulk.rewrite_config()

    def doctor(**env):
        result = pulk.run("doctor", "--json", env={"SNOWFLAKE_HOME": str(home), **env})
        return result.code, {check["check"]: check for check in json.loads(result.stdout)}

    code, checks = doctor()
    assert code == 0, checks
    passed(checks["target login"])
    os.chmod(home / "connections.toml", 0o666)
    code, checks = doctor()
    assert code == 1 and "chmod 600" in checks["target connection"]["fix"] + checks["target connection"]["detail"], checks
