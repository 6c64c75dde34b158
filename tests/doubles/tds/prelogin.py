"""PRELOGIN (MS-TDS 2.2.6.5): options that both sides say before anything is encrypted."""

import struct

VERSION, ENCRYPTION, INSTANCE, THREAD, MARS, FEDAUTH_REQUIRED = 0, 1, 2, 3, 4, 6
OFF, ON, NOT_SUPPORTED, REQUIRED = 0, 1, 2, 3


def parse(data: bytes) -> dict:
    options, at = {}, 0
    while at < len(data) and data[at] != 0xFF:
        number, offset, length = struct.unpack(">BHH", data[at:at + 5])
        options[number] = data[offset:offset + length]
        at += 5
    return options


def build(options: dict) -> bytes:
    offset, head, body = 5 * len(options) + 1, b"", b""
    for number, data in options.items():
        head += struct.pack(">BHH", number, offset + len(body), len(data))
        body += data
    return head + b"\xff" + body


def agree(server: str, client: int) -> tuple[int, bool, bool, bool]:
    """What the server answers, and of what follows: is the login encrypted, is everything, is the client refused.

    `server` is "unsupported", "offered" or "required"."""
    client &= 0x7F  # the top bit offers a client certificate, which the server does not ask for
    if server == "unsupported":
        return NOT_SUPPORTED, False, False, False
    if client == NOT_SUPPORTED:
        return (REQUIRED, False, False, True) if server == "required" else (NOT_SUPPORTED, False, False, False)
    if server == "required":
        return (ON if client == ON else REQUIRED), True, True, False
    if client in (ON, REQUIRED):
        return ON, True, True, False
    return OFF, True, False, False
