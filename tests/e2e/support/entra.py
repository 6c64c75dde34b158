"""A stand-in for Microsoft Entra ID in a process of its own (see tests/doubles/entra)."""

import json
import select
import subprocess
import urllib.request
from pathlib import Path

from support.snowflake import stand_in_python

ROOT = Path(__file__).resolve().parents[3]


class Entra:
    def __init__(self, certificate=None, key=None):
        command = [stand_in_python(), "-m", "tests.doubles.entra", *([str(certificate), str(key)] if certificate else [])]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready, _, _ = select.select([self._process.stdout], [], [], 30)
        assert ready, "the stand-in for Entra ID does not start"
        facts = json.loads(self._process.stdout.readline())
        self._control = facts.pop("control_port")
        self.__dict__.update(facts)

    def control(self, what, **body):
        request = urllib.request.Request(f"http://127.0.0.1:{self._control}/{what}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def keys(self) -> dict:
        """Of a Snowflake target that gets its tokens here."""
        return {"authenticator": "oauth", "azure_tenant_id": self.tenant, "azure_client_id": self.client_id,
                "azure_client_secret": self.client_secret, "azure_scope": self.scope, "azure_authority_host": self.address}

    def integration(self) -> dict:
        """What Snowflake knows of its tokens (see `users` of its control interface)."""
        return {"public_key": self.public_key, "issuer": self.issuer, "audience": self.scope.removesuffix("/.default"), "subject": self.subject}

    def remove(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()
