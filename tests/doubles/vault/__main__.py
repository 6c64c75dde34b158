"""HashiCorp Vault for tests: AppRole and token login, policies, KV versions 1 and 2, namespaces, tokens that end.

Prints one line of JSON: address, control_port, role_id, secret_id, root_token. What is refused is refused as the service does, wrong
secret ids first. Not here: response wrapping, batch tokens, entities, any other engine.

The control interface takes POST with a JSON body:

  /mount     {path, version, namespace}: a KV engine
  /put       {mount, path, values, namespace}: a new version
  /delete    {mount, path, version, destroy}: one version
  /policy    {paths}: what the role's tokens may read, with a * at the end for what begins so
  /settings  {ttl, max_ttl, renewable, secret_id_uses, sealed}: of what follows
  /revoke    all tokens are forgotten
  /faults    {status, times, path}: the next requests whose path has this in it are answered so
  /requests  ["POST auth/approle/login", ...] so far
"""

import json
import secrets
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit

from ..small_server import Control, Handler, serve

NOBODY = {"errors": ["permission denied"]}


class Store:
    def __init__(self):
        self.lock = threading.RLock()
        self.role_id, self.secret_id = "role-" + secrets.token_hex(8), "sid-" + secrets.token_hex(16)
        self.root = "hvs." + secrets.token_hex(12)
        self.mounts = {("", "secret"): (2, {})}            # (namespace, path): version, {path: [versions]}
        self.policy = ["*"]
        self.settings = {"ttl": 3600.0, "max_ttl": 86400.0, "renewable": True, "secret_id_uses": 0, "sealed": False}
        self.tokens = {self.root: (float("inf"), float("inf"), True)}   # ends, may end at most, root
        self.uses = 0
        self.faults, self.requests = [], []

    def find(self, namespace, path):
        """The mount that a path is in: the longest."""
        parts = path.split("/")
        for n in range(len(parts), 0, -1):
            if (namespace, "/".join(parts[:n])) in self.mounts:
                return "/".join(parts[:n]), "/".join(parts[n:])
        return None, path

    def may(self, token, path) -> bool:
        if self.tokens[token][2]:
            return True
        return any(path.startswith(rule[:-1]) if rule.endswith("*") else path == rule for rule in self.policy)

    def valid(self, token) -> bool:
        return token in self.tokens and self.tokens[token][0] > time.monotonic()


def login(store, body):
    settings = store.settings
    if body.get("role_id") != store.role_id or body.get("secret_id") != store.secret_id:
        return 400, {"errors": ["invalid role or secret ID"]}
    store.uses += 1
    if settings["secret_id_uses"] and store.uses > settings["secret_id_uses"]:
        return 400, {"errors": ["invalid role or secret ID"]}
    token, now = "hvs." + secrets.token_hex(12), time.monotonic()
    store.tokens[token] = (now + settings["ttl"], now + settings["max_ttl"], False)
    return 200, {"auth": {"client_token": token, "accessor": secrets.token_hex(8), "policies": ["etl"], "lease_duration": round(settings["ttl"]),
                          "renewable": settings["renewable"], "token_type": "service"}}


def renew(store, token):
    ends, most, root = store.tokens[token]
    if not store.settings["renewable"]:
        return 400, {"errors": ["lease is not renewable"]}
    ends = min(time.monotonic() + store.settings["ttl"], most)
    store.tokens[token] = (ends, most, root)
    return 200, {"auth": {"client_token": token, "lease_duration": max(0, round(ends - time.monotonic())), "renewable": True}}


def read_secret(store, namespace, path, query):
    mount, rest = store.find(namespace, path)
    if mount is None:
        return 404, {"errors": ["no handler for route \"" + path + "\". route entry not found."]}
    version, kept = store.mounts[namespace, mount]
    if version == 1:
        return (200, {"data": kept[rest][-1]["values"]}) if rest in kept else (404, {"errors": []})
    kind, _, rest = rest.partition("/")
    if kind != "data":
        return 404, {"errors": [], "warnings": ["Invalid path for a versioned K/V secrets engine."]}
    wanted = int(query.get("version", ["0"])[0])
    versions = kept.get(rest, [])
    if not versions or wanted > len(versions):
        return 404, {"errors": []}
    number = wanted or len(versions)
    one = versions[number - 1]
    about = {"version": number, "created_time": "2026-01-01T00:00:00Z", "deletion_time": one["deleted"], "destroyed": one["destroyed"]}
    gone = bool(one["deleted"] or one["destroyed"])
    return (404 if gone else 200), {"data": {"data": None if gone else one["values"], "metadata": about}}


class Service(Handler):
    def do_GET(self):
        self.serve({})

    def do_POST(self):
        self.serve(json.loads(self.body() or b"{}"))

    do_PUT = do_POST

    def serve(self, body):
        with self.store.lock:
            status, answer = self.answer(body)
        self.say(status, {"request_id": secrets.token_hex(8), **answer})

    def answer(self, body):
        store, url = self.store, urlsplit(self.path)
        path = unquote(url.path).removeprefix("/v1/")
        store.requests.append(f"{self.command} {path}")
        for fault in store.faults:
            if fault["path"] in path and fault["times"] > 0:
                fault["times"] -= 1
                return fault["status"], {"errors": [fault.get("message", "a fault")]}
        if path == "sys/seal-status":
            return 200, {"type": "shamir", "initialized": True, "sealed": store.settings["sealed"], "version": "1.17.2"}
        if store.settings["sealed"]:
            return 503, {"errors": ["Vault is sealed"]}
        if path == "auth/approle/login" and self.command != "GET":
            return login(store, body)
        token, namespace = self.headers.get("X-Vault-Token", ""), self.headers.get("X-Vault-Namespace", "").strip("/")
        if not store.valid(token):
            return 403, NOBODY
        if path == "auth/token/lookup-self":
            ends = store.tokens[token][0]
            ttl = 0 if ends == float("inf") else max(0, round(ends - time.monotonic()))
            return 200, {"data": {"ttl": ttl, "renewable": store.settings["renewable"] and ttl > 0, "policies": ["etl"]}}
        if path == "auth/token/renew-self":
            return renew(store, token)
        if path.startswith("sys/internal/ui/mounts/"):
            mount, _ = store.find(namespace, path.removeprefix("sys/internal/ui/mounts/"))
            # A mount in which the token may do nothing is as one that is not there.
            if mount is None or not (store.tokens[token][2] or any(rule == "*" or rule.startswith(mount + "/") for rule in store.policy)):
                return 403, {"errors": ["preflight capability check returned 403, please ensure client's policies grant access to path"]}
            version, _ = store.mounts[namespace, mount]
            return 200, {"data": {"path": mount + "/", "type": "kv", "options": {"version": str(version)}}}
        if not store.may(token, path):
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        return read_secret(store, namespace, path, parse_qs(url.query))


class VaultControl(Control):
    def on_mount(self, store, body):
        store.mounts[body.get("namespace", ""), body["path"]] = (body.get("version", 2), {})

    def on_put(self, store, body):
        _, kept = store.mounts[body.get("namespace", ""), body.get("mount", "secret")]
        kept.setdefault(body["path"], []).append({"values": body["values"], "deleted": "", "destroyed": False})

    def on_delete(self, store, body):
        one = store.mounts[body.get("namespace", ""), body.get("mount", "secret")][1][body["path"]][body["version"] - 1]
        one["deleted"], one["destroyed"] = "2026-01-02T00:00:00Z", bool(body.get("destroy"))

    def on_policy(self, store, body):
        store.policy = body["paths"]

    def on_settings(self, store, body):
        assert set(body) <= set(store.settings), body
        store.settings.update(body)
        if "secret_id_uses" in body:
            store.uses = 0

    def on_revoke(self, store, body):
        store.tokens = {store.root: store.tokens[store.root]}

    def on_faults(self, store, body):
        store.faults = [body] if body else []

    def on_requests(self, store, body):
        return store.requests


if __name__ == "__main__":
    store = Store()
    serve(store, Service, VaultControl, lambda base: {"address": base, "role_id": store.role_id, "secret_id": store.secret_id,
                                                      "root_token": store.root})
