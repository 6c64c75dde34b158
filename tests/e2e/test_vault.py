"""`vault:PATH#KEY[@VERSION]` in the connections file, against a stand-in that a second client (hvac) agrees with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.server import PASSWORD
from support.vault import Vault

PATH = "data-pipelines/mssql-to-snowflake"


@pytest.fixture
def vault():
    server = Vault()
    server.control("put", path=PATH, values={"password": PASSWORD, "port": 5432})
    yield server
    server.remove()


@pytest.fixture
def ready(pulk, db, vault):
    """A workflow whose only secret is in the Vault."""
    db.execute("CREATE TABLE t AS SELECT 1 AS a; ANALYZE t")
    pulk.write_workflow("t")
    pulk.db, pulk.variables = db, vault.environment()
    return pulk


def plan(pulk, reference, **variables):
    pulk.write_config(pulk.db, password=reference)
    environment = {name: value for name, value in {**pulk.variables, **variables}.items() if value is not None}
    done = pulk.run("plan", "workflow.json", env=environment)
    for secret in (PASSWORD, pulk.variables["VAULT_SECRET_ID"]):
        assert secret not in done.text
    return done


@pytest.mark.parametrize("path", [PATH, "secret/" + PATH, "secret/data/" + PATH, "/secret/" + PATH + "/"])
def test_a_path_in_each_form(ready, path):
    plan(ready, f"vault:{path}#password").expect(0)


def test_a_migration_with_one_login_for_all_references(ready, vault):
    ready.write_config(ready.db, password=f"vault:{PATH}#password", sslrootcert=None)
    done = ready.migrate(env=ready.variables).expect(0)
    assert vault.logins() == 1 and PASSWORD not in done.text
    for path in ready.folder.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


def test_versions(ready, vault):
    vault.control("put", path=PATH, values={"password": "another"})
    plan(ready, f"vault:{PATH}#password@1").expect(0)
    plan(ready, f"vault:{PATH}#password").expect(5)
    plan(ready, f"vault:{PATH}#password@3").expect(1, "no version 3")
    vault.control("delete", path=PATH, version=2)
    plan(ready, f"vault:{PATH}#password").expect(1, "version 2 is deleted")
    vault.control("delete", path=PATH, version=2, destroy=True)
    plan(ready, f"vault:{PATH}#password@2").expect(1, "version 2 is destroyed")


def test_other_mounts_and_version_1(ready, vault):
    vault.control("mount", path="kv/old", version=1)
    vault.control("put", mount="kv/old", path="etl/shop", values={"password": PASSWORD})
    plan(ready, "vault:kv/old/etl/shop#password").expect(0)
    plan(ready, "vault:etl/shop#password", VAULT_KV_MOUNT="kv/old").expect(0)
    plan(ready, "vault:kv/old/etl/shop#password@1").expect(1, "keeps none")


def test_a_namespace(ready, vault):
    vault.control("mount", path="secret", namespace="team")
    vault.control("put", path="shop", namespace="team", values={"password": PASSWORD})
    plan(ready, "vault:shop#password", VAULT_NAMESPACE="team").expect(0)
    plan(ready, "vault:shop#password").expect(1, "there is no such secret")


def test_the_least_policy(ready, vault):
    vault.control("policy", paths=["secret/data/" + PATH])
    plan(ready, f"vault:{PATH}#password").expect(0)
    vault.control("policy", paths=["secret/data/other"])
    plan(ready, f"vault:{PATH}#password").expect(5, f'path "secret/data/{PATH}" {{ capabilities = ["read"] }}')
    vault.control("policy", paths=["elsewhere"])  # so the mount cannot be asked for either
    plan(ready, f"vault:{PATH}#password").expect(5, "permission denied")


def test_other_ways_to_log_in(ready, vault):
    (ready.folder / "secret-id").write_text(vault.secret_id + "\n")
    plan(ready, f"vault:{PATH}#password", VAULT_SECRET_ID=None, VAULT_SECRET_ID_FILE="secret-id").expect(0)
    plan(ready, f"vault:{PATH}#password", VAULT_ROLE_ID=None, VAULT_SECRET_ID=None, VAULT_TOKEN=vault.root_token).expect(0)
    plan(ready, f"vault:{PATH}#password", VAULT_ROLE_ID=None, VAULT_TOKEN="hvs.wrong").expect(5, "permission denied")
    plan(ready, f"vault:{PATH}#password", VAULT_SECRET_ID="wrong").expect(5, "invalid role or secret ID")
    plan(ready, f"vault:{PATH}#password", VAULT_ROLE_ID="wrong").expect(5, "invalid role or secret ID")


def test_what_is_written_wrong(ready, vault):
    plan(ready, f"vault:{PATH}").expect(1, "names no key", "vault:PATH#KEY")
    plan(ready, f"vault:{PATH}#password@x").expect(1, "no number")
    plan(ready, f"vault:{PATH}#pasword").expect(1, "did you mean password?")
    plan(ready, "vault:nothing/here#password").expect(1, "there is no such secret")
    assert vault.logins() == 2
    plan(ready, f"vault:{PATH}#password", VAULT_ADDR=None, VAULT_ROLE_ID=None).expect(1, "VAULT_ADDR", "VAULT_ROLE_ID")
    plan(ready, f"vault:{PATH}#password", VAULT_ADDR="vault:8200").expect(1, "https://")


def test_faults(ready, vault):
    vault.control("faults", path="secret/data", status=429, times=2)
    plan(ready, f"vault:{PATH}#password").expect(0)
    vault.control("faults", path="secret/data", status=502, times=100)
    plan(ready, f"vault:{PATH}#password").expect(2, "HTTP 502")
    vault.control("faults")
    vault.control("settings", sealed=True)
    plan(ready, f"vault:{PATH}#password").expect(2, "Vault is sealed", "unseal it")
    vault.remove()
    plan(ready, f"vault:{PATH}#password").expect(2, "VAULT_ADDR " + vault.address)
    vault.remove = lambda: None


def test_tokens_that_end_and_secrets_that_change(unit_tests, vault):
    """The class itself, in tests that wait for what a command would not."""
    vault.control("put", path="etl/shop", values={"password": "first"})
    vault.control("settings", ttl=1.0)
    control = f"{sys.executable} {Path(__file__).parent / 'support' / 'small_server.py'} {vault.control_port}"
    environment = {**os.environ, **vault.environment(), "PULK_TEST_VAULT_CONTROL": control}
    done = subprocess.run([unit_tests, "--gtest_also_run_disabled_tests", "--gtest_filter=DISABLED_VaultServer.*"], env=environment,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "[  PASSED  ] 3 tests" in done.stdout, done.stdout + done.stderr
    assert "POST auth/token/renew-self" in vault.control("requests")
    assert vault.logins() == 4  # one for each test, and one behind the revoked token
