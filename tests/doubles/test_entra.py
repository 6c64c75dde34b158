"""The stand-in for Entra ID, asked by MSAL: Microsoft's own client."""

import json
import os
import subprocess

import pytest

from support.entra import Entra
from support.snowflake import stand_in_python

MAKE = """
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
now = datetime.datetime.now(datetime.timezone.utc)
made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False).sign(key, hashes.SHA256()))
open("server.crt", "wb").write(made.public_bytes(serialization.Encoding.PEM))
open("server.key", "wb").write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
print(made.fingerprint(hashes.SHA1()).hex())
"""

ASK = """
import json, msal, sys
facts = json.loads(sys.argv[1])
def ask(credential, scope=facts["scope"], client=facts["client_id"]):
    app = msal.ConfidentialClientApplication(client, client_credential=credential, authority=facts["address"] + "/" + facts["tenant"],
                                             instance_discovery=False, validate_authority=False, verify="server.crt")
    answer = app.acquire_token_for_client([scope])
    return answer["token_type"] if "access_token" in answer else answer["error_codes"][0]
key = {"private_key": open("server.key").read(), "thumbprint": facts["thumbprint"]}
print(json.dumps([ask(facts["client_secret"]), ask("wrong"), ask(facts["client_secret"], client="other"),
                  ask(facts["client_secret"], scope="api://other/.default"), ask(key), ask({**key, "thumbprint": "00" * 20})]))
"""


@pytest.fixture
def entra(tmp_path):
    made = subprocess.run([stand_in_python(), "-c", MAKE], cwd=tmp_path, check=True, capture_output=True, text=True)
    server = Entra(tmp_path / "server.crt", tmp_path / "server.key")
    server.thumbprint, server.folder = made.stdout.strip(), tmp_path
    yield server
    server.remove()


def test_msal_hears_what_the_service_would_say(entra):
    entra.control("certificate", pem=(entra.folder / "server.crt").read_text())
    facts = {name: getattr(entra, name) for name in ("address", "tenant", "client_id", "client_secret", "scope", "thumbprint")}
    done = subprocess.run([stand_in_python(), "-c", ASK, json.dumps(facts)], cwd=entra.folder, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "REQUESTS_CA_BUNDLE": "server.crt"})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["Bearer", 7000215, 700016, 500011, "Bearer", 700027]
