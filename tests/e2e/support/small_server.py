"""Stand-ins of small HTTP services, each in a process of its own (see tests/doubles/small_server.py)."""

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


class SmallServer:
    """What the process prints of itself are the attributes: address, control_port, and the service's own."""

    def __init__(self, module, python=sys.executable, certificate=None, key=None):
        command = [python, "-m", module, *([str(certificate), str(key)] if certificate else [])]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready, _, _ = select.select([self._process.stdout], [], [], 30)
        assert ready, f"{module} does not start"
        self.__dict__.update(json.loads(self._process.stdout.readline()))

    def control(self, what, **body):
        return control(self.control_port, what, body)

    def remove(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


if __name__ == "__main__":  # what a test in another language changes: port, path, body
    control(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
