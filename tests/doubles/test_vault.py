"""The stand-in for Vault, asked by hvac: the client of the originals."""

import json
import subprocess

import pytest

from support.s3 import python
from support.vault import Vault

ASK = """
import hvac, json, sys
facts = json.loads(sys.argv[1])
client = hvac.Client(url=facts["address"])
said = {}
def attempt(name, work):
    try:
        said[name] = work()
    except hvac.exceptions.VaultError as error:
        said[name] = type(error).__name__
attempt("wrong secret id", lambda: client.auth.approle.login(role_id=facts["role_id"], secret_id="wrong"))
attempt("no token", lambda: client.secrets.kv.v2.read_secret_version(path="etl/shop", raise_on_deleted_version=True))
attempt("login", lambda: bool(client.auth.approle.login(role_id=facts["role_id"], secret_id=facts["secret_id"])["auth"]["client_token"]))
attempt("authenticated", client.is_authenticated)
read = lambda **more: client.secrets.kv.v2.read_secret_version(path="etl/shop", raise_on_deleted_version=True, **more)["data"]["data"]
attempt("newest", read)
attempt("first", lambda: read(version=1))
attempt("third", lambda: read(version=3))
attempt("nothing", lambda: client.secrets.kv.v2.read_secret_version(path="nothing", raise_on_deleted_version=True))
attempt("version 1", lambda: client.secrets.kv.v1.read_secret("shop", mount_point="old")["data"])
attempt("renewed", lambda: client.auth.token.renew_self()["auth"]["lease_duration"])
print(json.dumps(said))
"""


@pytest.fixture
def vault():
    server = Vault()
    yield server
    server.remove()


def test_hvac_hears_what_the_service_would_say(vault):
    vault.control("put", path="etl/shop", values={"password": "first"})
    vault.control("put", path="etl/shop", values={"password": "second"})
    vault.control("mount", path="old", version=1)
    vault.control("put", mount="old", path="shop", values={"password": "old"})
    facts = {"address": vault.address, "role_id": vault.role_id, "secret_id": vault.secret_id}
    done = subprocess.run([python(), "-c", ASK, json.dumps(facts)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "wrong secret id": "InvalidRequest", "no token": "Forbidden", "login": True, "authenticated": True,
        "newest": {"password": "second"}, "first": {"password": "first"}, "third": "InvalidPath", "nothing": "InvalidPath",
        "version 1": {"password": "old"}, "renewed": 3600}
