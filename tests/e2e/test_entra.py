"""Snowflake's OAuth with tokens of Entra ID: a stand-in that gives them to whoever proves itself, and one for Snowflake that takes no
others."""

import json
import subprocess

import pytest

from support.entra import Entra
from support.pulk import table_entry
from support.snowflake import LOGIN, stand_in_python

CERTIFICATE = """
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pulk")])
now = datetime.datetime.now(datetime.timezone.utc)
made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()))
public = made.public_bytes(serialization.Encoding.PEM)
open(sys.argv[1], "wb").write(public)
open(sys.argv[2], "wb").write(public + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                         serialization.NoEncryption()))
"""


@pytest.fixture
def entra():
    server = Entra()
    yield server
    server.remove()


@pytest.fixture
def log_in(pulk, snowflake, entra, sqlite_source):
    """The doctor's check of the login; Snowflake has a security integration for the tokens of Entra."""
    source = sqlite_source("CREATE TABLE t (id INTEGER PRIMARY KEY)")

    def run(env=None, **keys):
        pulk.write_config(source, target=snowflake)
        kept = {**pulk.target_keys, "password": None, **entra.keys(), **keys}
        pulk.target_keys = {name: value for name, value in kept.items() if value is not None}
        pulk.rewrite_config()
        done = pulk.run("doctor", "--json", env=env)
        for secret in [entra.client_secret, *entra.control("tokens")]:
            assert secret not in done.text
        checks = {check["check"]: check for check in json.loads(done.stdout)}
        order = [checks[name] for name in ("target connection", "target token", "target login") if name in checks]
        return {**next((check for check in order if check["status"] != "pass"), order[-1]), "code": done.code, "all": checks}

    snowflake.control("users", name=LOGIN, external_oauth=entra.integration(), default_warehouse="COMPUTE_WH")
    return run


def passed(check):
    assert check["status"] == "pass", check


def failed(check, code, *texts):
    assert check["status"] == "fail" and check["code"] == code, check
    for text in texts:
        assert text in check["detail"] + check["fix"], check


def test_a_secret(log_in, entra):
    first = log_in()
    passed(first)
    about = first["all"]["target token"]["detail"]
    assert about.startswith("for api://snowflake-app, until 20") and entra.issuer in about
    passed(log_in(azure_client_secret="env:THE_SECRET", env={"THE_SECRET": entra.client_secret}))
    passed(log_in(azure_client_secret=None, azure_tenant_id=None, azure_client_id=None,
                  env={"AZURE_TENANT_ID": entra.tenant, "AZURE_CLIENT_ID": entra.client_id, "AZURE_CLIENT_SECRET": entra.client_secret}))
    [asked, *_] = entra.control("requests")
    assert asked == {"path": f"/{entra.tenant}/oauth2/v2.0/token", "grant_type": "client_credentials", "client_id": entra.client_id,
                     "scope": entra.scope}
    failed(log_in(azure_client_secret="wrong"), 5, "AADSTS7000215: Invalid client secret provided.", "not its id")
    entra.control("expire")
    failed(log_in(), 5, "AADSTS7000222", "make a new one")


def test_what_is_wrong_with_names(log_in):
    failed(log_in(azure_tenant_id="nobody.example"), 5, "AADSTS90002", "check the tenant")
    failed(log_in(azure_client_id="other"), 5, "AADSTS700016", "registered there")
    failed(log_in(azure_scope="api://other/.default"), 5, "AADSTS500011", "check the scope")
    failed(log_in(azure_scope="api://snowflake-app"), 1, "azure_scope", "/.default")
    failed(log_in(azure_scope=None), 1, "azure_scope is missing")
    failed(log_in(azure_client_secret=None, azure_tenant_id=None), 1, "azure_tenant_id is missing", "nothing to prove the client with")


def test_a_certificate(log_in, entra, tmp_path):
    for name in ("right", "other"):
        subprocess.run([stand_in_python(), "-c", CERTIFICATE, tmp_path / f"{name}.crt", tmp_path / f"{name}.pem"], check=True)
    entra.control("certificate", pem=(tmp_path / "right.crt").read_text())
    passed(log_in(azure_client_secret=None, azure_client_certificate_path=str(tmp_path / "right.pem")))
    failed(log_in(azure_client_secret=None, azure_client_certificate_path=str(tmp_path / "other.pem")), 5, "AADSTS700027", "uploaded")
    failed(log_in(azure_client_secret=None, azure_client_certificate_path=str(tmp_path / "right.crt")), 1, "has no RSA private key")
    failed(log_in(azure_client_secret=None, azure_client_certificate_path="nowhere.pem"), 1, "cannot be read")


def test_a_federated_token_and_the_machines_own_identity(log_in, entra, tmp_path):
    entra.control("federated", token="of-another-issuer")
    (tmp_path / "token").write_text("of-another-issuer\n")
    passed(log_in(azure_client_secret=None, azure_federated_token_file=str(tmp_path / "token")))
    machine = {"azure_client_secret": None, "azure_tenant_id": None, "azure_client_id": None, "azure_managed_identity": "true"}
    passed(log_in(**machine, env={"AZURE_POD_IDENTITY_AUTHORITY_HOST": entra.address}))
    passed(log_in(**machine, env={"IDENTITY_ENDPOINT": entra.address + "/msi/token", "IDENTITY_HEADER": entra.header}))
    failed(log_in(**machine, env={"IDENTITY_ENDPOINT": entra.address + "/msi/token", "IDENTITY_HEADER": "wrong"}), 5, "managed identity")


def test_faults(log_in, entra):
    entra.control("faults", status=429, times=1, retry_after=1)
    passed(log_in())
    entra.control("faults", status=503, times=100)
    failed(log_in(), 2, "HTTP 503")


def test_one_token_for_all_sessions_and_a_new_one_in_time(pulk, snowflake, entra, db):
    db.execute("CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 2000) n; ALTER TABLE t ADD PRIMARY KEY (id); ANALYZE t")
    snowflake.control("users", name=LOGIN, external_oauth=entra.integration(), default_warehouse="COMPUTE_WH")
    pulk.write_config(db, target=snowflake)
    pulk.target_keys = {name: value for name, value in {**pulk.target_keys, **entra.keys()}.items() if name != "password"}
    pulk.rewrite_config()
    pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 250})])
    pulk.migrate().expect(0)
    assert len(entra.control("tokens")) == 1
    # Less than a minute is left of each from the beginning: every session asks for its own.
    entra.control("settings", expires_in=30)
    pulk.migrate("--restart").expect(0)
    assert len(entra.control("tokens")) > 2
