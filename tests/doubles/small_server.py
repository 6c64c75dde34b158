"""What the stand-ins of small HTTP services share: JSON answers, a control interface, and their life in a process of its own.

A process serves until its standard input ends, so that it does not outlive who started it."""

import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """`store` is what the service and its control interface work on; it has a `lock`."""

    protocol_version = "HTTP/1.1"
    store = None

    def log_message(self, *_):
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def say(self, status, document, headers=()):
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


class Control(Handler):
    """POST /what with a JSON body calls on_what(store, body) and answers with what that returns."""

    def do_POST(self):
        body = json.loads(self.body() or b"{}")
        with self.store.lock:
            answer = getattr(self, "on_" + self.path.strip("/"))(self.store, body)
        self.say(200, answer)


def serve(store, service, control, facts):
    """Serves on free ports, over TLS when the command line names certificate and key. Prints facts(base address) and
    control_port as one line of JSON."""
    service.store = control.store = store
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (service, control)]
    base = f"http://127.0.0.1:{servers[0].server_address[1]}"
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        servers[0].socket = context.wrap_socket(servers[0].socket, server_side=True)
        base = f"https://localhost:{servers[0].server_address[1]}"
    described = facts(base)
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({**described, "control_port": servers[1].server_address[1]}), flush=True)
    sys.stdin.read()
