"""Microsoft Entra ID for tests: the token endpoint for programs, and a machine's own identity.

Prints one line of JSON: address, control_port, tenant, client_id, client_secret, scope, header, and what those know who take its tokens
(JWTs): public_key, issuer, subject. A client proves itself with its secret, or
with a JWT signed by its certificate (RS256, with the thumbprint, for this very address, not expired), or with a federated token.
Wrong ones are refused with the codes that the service has.

The control interface takes POST with a JSON body:

  /settings      {expires_in, scope}: of the tokens that follow
  /certificate   {pem}: of the application
  /federated     {token}: what another issuer says
  /expire        the secret has expired
  /secret        a new one takes its place; the answer
  /faults        {status, times, retry_after}
  /tokens        tokens that were given, in order
  /requests      the forms and addresses so far, secrets left out
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..small_server import Control, Handler, serve


class Store:
    def __init__(self):
        self.lock = threading.RLock()
        self.tenant, self.client_id, self.client_secret = "11111111-2222-3333-4444-555555555555", "app-" + secrets.token_hex(8), secrets.token_hex(20)
        self.scope, self.header = "api://snowflake-app/.default", secrets.token_hex(16)
        self.expires_in, self.expired = 3600, False
        self.certificate = self.federated = None
        self.faults, self.tokens, self.requests = {}, [], []
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public_key = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.subject, self.issuer = "principal-" + secrets.token_hex(8), f"https://sts.windows.net/{self.tenant}/"

    def give(self, text=False):
        now = int(time.time())
        token = jwt.encode({"aud": self.scope.removesuffix("/.default"), "iss": self.issuer, "sub": self.subject, "oid": self.subject, "iat": now,
                            "nbf": now, "exp": now + self.expires_in, "jti": secrets.token_hex(8), "roles": ["session:role-any"]}, self.key, "RS256")
        self.tokens.append(token)
        seconds = str(self.expires_in) if text else self.expires_in
        return 200, {"token_type": "Bearer", "expires_in": seconds, "access_token": token}


def refused(status, error, code, text):
    return status, {"error": error, "error_codes": [code], "trace_id": "t", "correlation_id": "c", "timestamp": "2026-01-01 00:00:00Z",
                    "error_description": f"AADSTS{code}: {text} Trace ID: 00000000-0000 Correlation ID: 00000000-0000 Timestamp: 2026-01-01 00:00:00Z"}


def assertion_is_right(store, assertion, address) -> bool:
    if store.federated is not None and assertion == store.federated:
        return True
    if store.certificate is None:
        return False
    certificate = x509.load_pem_x509_certificate(store.certificate.encode())
    thumbprint = base64.urlsafe_b64encode(hashlib.sha1(certificate.public_bytes(Encoding.DER)).digest()).rstrip(b"=").decode()
    try:
        if jwt.get_unverified_header(assertion).get("x5t", "").rstrip("=") != thumbprint:
            return False
        claims = jwt.decode(assertion, certificate.public_key(), algorithms=["RS256"], audience=address,
                            options={"require": ["exp", "jti", "iss", "sub", "aud"]})
    except jwt.PyJWTError:
        return False
    return claims["iss"] == claims["sub"] == store.client_id


def token(store, tenant, form, address):
    if tenant != store.tenant:
        return refused(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
    if form.get("client_id") != store.client_id:
        return refused(400, "unauthorized_client", 700016, f"Application with identifier '{form.get('client_id')}' was not found in the directory.")
    if form.get("grant_type") != "client_credentials":
        return refused(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    if not form.get("scope", "").endswith("/.default"):
        return refused(400, "invalid_scope", 1002012, f"The provided value for scope {form.get('scope')} is not valid.")
    if form["scope"] != store.scope:
        return refused(400, "invalid_resource", 500011, "The resource principal was not found in the tenant.")
    if "client_secret" in form:
        if form["client_secret"] != store.client_secret:
            return refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
        if store.expired:
            return refused(401, "invalid_client", 7000222, "The provided client secret keys are expired.")
    elif not assertion_is_right(store, form.get("client_assertion", ""), address):
        return refused(401, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered.")
    return store.give()


class Service(Handler):
    base = None

    def do_POST(self):
        raw = self.body().decode()
        form = {key: values[0] for key, values in parse_qs(raw).items()}
        parts = urlsplit(self.path).path.strip("/").split("/")
        with self.store.lock:
            self.store.requests.append({"path": self.path, **{k: v for k, v in form.items() if "secret" not in k and "assertion" not in k}})
            if not self.fault():
                known = len(parts) == 4 and parts[1:] == ["oauth2", "v2.0", "token"]
                self.say(*(token(self.store, parts[0], form, self.base + self.path) if known else (404, {})))

    def do_GET(self):
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        with self.store.lock:
            self.store.requests.append({"path": url.path, **query})
            if self.fault():
                return
            if url.path.endswith("/.well-known/openid-configuration"):  # Microsoft's own clients ask for it first
                place = self.base + url.path.split("/v2.0")[0]
                return self.say(200, {"token_endpoint": place + "/oauth2/v2.0/token", "authorization_endpoint": place + "/oauth2/v2.0/authorize",
                                      "issuer": place + "/v2.0", "device_authorization_endpoint": place + "/oauth2/v2.0/devicecode"})
            machine = self.headers.get("Metadata") == "true" or self.headers.get("X-IDENTITY-HEADER") == self.store.header
            if not url.path.startswith(("/metadata/identity", "/msi")) or not machine:
                return self.say(400, {"error": "invalid_request", "error_description": "Required metadata header not specified"})
            if query.get("resource") != self.store.scope.removesuffix("/.default"):
                return self.say(400, {"error": "invalid_resource", "error_description": "AADSTS500011: The resource principal was not found."})
            self.say(*self.store.give(text=True))

    def fault(self) -> bool:
        fault = self.store.faults
        if fault.get("times", 0) <= 0:
            return False
        fault["times"] -= 1
        self.say(fault["status"], {"error": "temporarily_unavailable"}, {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {})
        return True


class EntraControl(Control):
    def on_settings(self, store, body):
        store.expires_in, store.scope = body.get("expires_in", store.expires_in), body.get("scope", store.scope)

    def on_certificate(self, store, body):
        store.certificate = body["pem"]

    def on_federated(self, store, body):
        store.federated = body["token"]

    def on_expire(self, store, body):
        store.expired = True

    def on_secret(self, store, body):
        store.client_secret = secrets.token_hex(20)
        return store.client_secret

    def on_faults(self, store, body):
        store.faults = body

    def on_tokens(self, store, body):
        return store.tokens

    def on_requests(self, store, body):
        return store.requests


def facts(store, base) -> dict:
    Service.base = base
    names = ("tenant", "client_id", "client_secret", "scope", "header", "public_key", "issuer", "subject")
    return {"address": base, **{name: getattr(store, name) for name in names}}


if __name__ == "__main__":
    store = Store()
    serve(store, Service, EntraControl, lambda base: facts(store, base))
