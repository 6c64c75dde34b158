#!/usr/bin/env python3
"""Takes what S3 clients upload, counts it and throws it away: the place where uploads cost the least. Prints its port.

No signature is looked at and nothing is kept but sizes; `GET /sink` answers with the bytes so far. In processes of their own, so that the
clients' processor time is the clients' alone."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

LIST = b"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>"
UPLOAD = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
DONE = b'<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>'

taken, objects, parts, lock = 0, {}, {}, threading.Lock()


class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.room = bytearray(1 << 20)

    def drain(self):
        global taken
        left = size = int(self.headers.get("Content-Length") or 0)
        while left > 0:
            got = self.rfile.readinto(memoryview(self.room)[:min(left, len(self.room))])
            if not got:
                break
            left -= got
        with lock:
            taken += size
        return size

    def chunked(self):
        """boto3 may send a body in chunks with a checksum behind it."""
        global taken
        whole = 0
        while size := int(self.rfile.readline().split(b";")[0], 16):
            self.rfile.read(size + 2)
            whole += size
        while self.rfile.readline().strip():
            pass
        with lock:
            taken += whole
        return whole

    def say(self, body, status=200):
        self.send_response(status)
        self.send_header("ETag", '"e"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/sink":
            return self.say(str(taken).encode())
        prefix = parse_qs(urlsplit(self.path).query).get("prefix", [""])[0]
        listed = "".join(f'<Contents><Key>{key}</Key><Size>{size}</Size><ETag>"e"</ETag></Contents>'
                         for key, size in sorted(objects.items()) if key.startswith(prefix))
        self.say(LIST.replace(b"</KeyCount>", b"</KeyCount>" + listed.encode()))

    def do_PUT(self):
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        size = self.chunked() if "chunked" in self.headers.get("Transfer-Encoding", "") else self.drain()
        if "uploadId" in self.path:
            parts[self.key()] = parts.get(self.key(), 0) + size
        else:
            objects[self.key()] = size
        self.say(b"")

    def do_POST(self):
        self.drain()
        if "uploads" in parse_qs(urlsplit(self.path).query, keep_blank_values=True):
            parts[self.key()] = 0
            return self.say(UPLOAD)
        objects[self.key()] = parts.pop(self.key(), 0)
        self.say(DONE)

    def key(self):
        return urlsplit(self.path).path.split("/", 2)[-1]

    def do_DELETE(self):
        self.say(b"", 204)

    def handle_expect_100(self):
        return True


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
