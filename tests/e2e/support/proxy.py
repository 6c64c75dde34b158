"""An HTTP proxy that finds one server behind every name: what it is asked for is kept, word by word."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HOP = ("connection", "proxy-connection", "keep-alive", "transfer-encoding", "content-length", "host")


class Proxy:
    """.asked: "POST http://host:port/path", "CONNECT host:port". Tunnels are refused once they are asked for."""

    def __init__(self, port):
        self.asked = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def _pass_on(self):
                owner.asked.append(f"{self.command} {self.path}")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = "/" + self.path.split("/", 3)[3]
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request(self.command, path, body, {k: v for k, v in self.headers.items() if k.lower() not in _HOP})
                answer = connection.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                connection.close()

            do_GET = do_POST = do_PUT = do_HEAD = _pass_on

            def do_CONNECT(self):
                owner.asked.append(f"CONNECT {self.path}")
                self.send_error(403)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
