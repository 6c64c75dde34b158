"""TLS inside TDS 7: the handshake travels in packets of type PRELOGIN, afterwards TLS carries the packets (MS-TDS 2.2.6.5)."""

import ssl
import threading

from .packets import END_OF_MESSAGE, HEADER, PRELOGIN, Closed, read_message


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 exists in TDS 8 only
    return context


class Tls:
    """A channel like packets.Plain. One thread may read while another writes."""

    def __init__(self, plain, context: ssl.SSLContext):
        self.plain = plain
        self.socket = plain.socket
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._lock = threading.Lock()  # an SSL object is not for two threads at once; no one waits for the socket inside
        self._kept = b""
        try:
            self._shake_hands()
        except ssl.SSLError as error:
            raise Closed(f"TLS: {error}") from None

    def _shake_hands(self):
        while True:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            answer = self._out.read()
            if answer:
                self.plain.write([HEADER.pack(PRELOGIN, END_OF_MESSAGE, len(answer) + HEADER.size, 0, 0, 0), answer])
            if done:
                return
            _, _, data = read_message(self.plain)
            self._in.write(data)

    @property
    def version(self) -> str:
        return self._tls.version()

    def read(self, count: int) -> bytes:
        while len(self._kept) < count:
            try:
                with self._lock:
                    self._kept += self._tls.read(65536)
                continue
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                raise Closed(f"TLS: {error}") from None
            data = self.plain.read_some()
            with self._lock:
                self._in.write(data)
        data, self._kept = self._kept[:count], self._kept[count:]
        return data

    def write(self, buffers: list):
        with self._lock:
            self._tls.write(b"".join(buffers))
            data = self._out.read()
        self.plain.write([data])
