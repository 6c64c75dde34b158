"""Workload identities of AWS and Azure: doubles of the services that a cloud's machine asks who it is. The attestation is made
by the driver; the stand-in checks signatures, audiences and subjects. What the driver asks 169.254.169.254 for (virtual
machines of Azure, all of Google Cloud) has no double: it takes no other address, and no proxy."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from support.snowflake import LOGIN
from test_snowflake_login import failed, key, login, passed  # noqa: F401: fixtures

ENTRA = "api://fd3f753b-eed3-462c-b6a7-a4b5bb650aad"
AZURE = {"iss": "https://sts.windows.net/fa15d692-e9c7-4460-a743-29f29522229/", "sub": "77213e30-e8cb-4595-b1b6-5f050e8308fd", "aud": ENTRA}


class Cloud:
    """Answers by path; .asked has what was asked for, with its headers."""

    def __init__(self):
        self.asked, self.answers = [], {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                url = urlsplit(self.path)
                owner.asked.append((url.path, parse_qs(url.query), {k.lower(): v for k, v in self.headers.items()}))
                answer = owner.answers.get(url.path)
                body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
                self.send_response(200 if answer is not None else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def cloud():
    cloud = Cloud()
    yield cloud
    cloud.close()


def keys(provider):
    return {"user": None, "username": None, "password": None, "authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": provider}


def token(key, claims, **other):
    return key.token({**claims, "exp": int(time.time()) + 300, **other})


def identity(key, provider, claims):
    return {"provider": provider, "issuer": claims["iss"], "subject": claims["sub"], "public_key": key.public}


AWS_KEYS = {"access_key": "AKIAEXAMPLE", "secret_key": "wJalr/XUtnFEMI+K7MDENG"}


def test_aws_by_keys(login, snowflake):
    snowflake.control("users", name=LOGIN, workload={"provider": "AWS", **AWS_KEYS}, default_warehouse="COMPUTE_WH")
    env = {"AWS_ACCESS_KEY_ID": AWS_KEYS["access_key"], "AWS_SECRET_ACCESS_KEY": AWS_KEYS["secret_key"], "AWS_REGION": "eu-central-1",
           "AWS_EC2_METADATA_DISABLED": "true"}
    passed(login(**keys("AWS"), env=env))
    failed(login(**keys("AWS"), env={**env, "AWS_SECRET_ACCESS_KEY": "another"}), 5, "394500", "workload identity")
    failed(login(**keys("AWS"), env={**env, "AWS_ACCESS_KEY_ID": "AKIANOBODY"}), 5, "394501")
    failed(login(**keys("AWS"), env={name: value for name, value in env.items() if name != "AWS_REGION"}), 1, "AWS", "AWS_REGION")


def test_aws_by_the_role_of_a_container(login, snowflake, cloud):
    role = {"access_key": "ASIAROLE", "secret_key": "role-secret", "session_token": "role-session"}
    snowflake.control("users", name=LOGIN, workload={"provider": "AWS", **role}, default_warehouse="COMPUTE_WH")
    cloud.answers["/role"] = {"AccessKeyId": "ASIAROLE", "SecretAccessKey": "role-secret", "Token": "role-session",
                              "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))}
    env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": cloud.url + "/role", "AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true"}
    passed(login(**keys("AWS"), env=env))
    assert cloud.asked[0][0] == "/role"


def test_azure_functions(login, snowflake, key, cloud):
    snowflake.control("users", name=LOGIN, workload=identity(key, "AZURE", AZURE), default_warehouse="COMPUTE_WH")
    cloud.answers["/msi/token"] = {"access_token": token(key, AZURE)}
    env = {"IDENTITY_ENDPOINT": cloud.url + "/msi/token", "IDENTITY_HEADER": "h34d3r", "MANAGED_IDENTITY_CLIENT_ID": "c11ent"}
    passed(login(**keys("AZURE"), env=env))
    _, query, headers = cloud.asked[0]
    assert query == {"api-version": ["2019-08-01"], "resource": [ENTRA], "client_id": ["c11ent"]} and headers["x-identity-header"] == "h34d3r"
    cloud.answers["/msi/token"] = {"access_token": token(key, AZURE, sub="somebody else")}
    failed(login(**keys("AZURE"), env=env), 5, "394501")
    cloud.answers["/msi/token"] = {"access_token": token(key, AZURE, aud="api://another")}
    failed(login(**keys("AZURE"), env=env), 5, "394500")
    cloud.answers.clear()
    failed(login(**keys("AZURE"), env=env), 1, "managed identity of Azure")
