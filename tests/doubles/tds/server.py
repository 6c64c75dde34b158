"""The port: a thread for every connection."""

import socket
import threading

from .connection import Connection


class Server:
    def __init__(self, service, port: int):
        self._service = service
        self._socket = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port = self._socket.getsockname()[1]

    def serve_forever(self):
        while True:
            connected, _ = self._socket.accept()
            threading.Thread(target=Connection(self._service, connected).serve, daemon=True).start()
