"""A stand-in for HashiCorp Vault in a process of its own (see tests/doubles/vault)."""

import json
import select
import subprocess
import sys
import urllib.request
from pathlib import Path


ROOT = Path(__file__).resolve().parents[3]


def control(port, what, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{what}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


class Vault:
    def __init__(self, certificate=None, key=None):
        command = [sys.executable, "-m", "tests.doubles.vault", *([str(certificate), str(key)] if certificate else [])]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready, _, _ = select.select([self._process.stdout], [], [], 30)
        assert ready, "the stand-in for Vault does not start"
        facts = json.loads(self._process.stdout.readline())
        self.address = f"{'https' if certificate else 'http'}://{'localhost' if certificate else '127.0.0.1'}:{facts['port']}"
        self.control_port = facts["control_port"]
        self.role_id, self.secret_id, self.root_token = facts["role_id"], facts["secret_id"], facts["root_token"]

    def control(self, what, **body):
        return control(self.control_port, what, body)

    def environment(self) -> dict:
        return {"VAULT_ADDR": self.address, "VAULT_ROLE_ID": self.role_id, "VAULT_SECRET_ID": self.secret_id}

    def logins(self) -> int:
        return self.control("requests").count("POST auth/approle/login")

    def remove(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


if __name__ == "__main__":  # what a test in another language changes: port, path, body
    control(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
