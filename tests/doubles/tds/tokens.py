"""Tokens of an answer (MS-TDS 2.2.7) but columns and rows."""

import struct

DONE, DONE_PROCEDURE, DONE_IN_PROCEDURE = 0xFD, 0xFE, 0xFF
MORE, ERROR, COUNT, ATTENTION_ACKNOWLEDGED = 0x1, 0x2, 0x10, 0x20

DATABASE, LANGUAGE, PACKET_SIZE, COLLATION, BEGIN, COMMIT, ROLLBACK, RESET_ACKNOWLEDGED = 1, 2, 4, 7, 8, 9, 10, 18

SELECT_COMMAND, UPDATE_COMMAND = 0xC1, 0xC5  # Microsoft's driver passes over the count of a SELECT


def short_text(text: str) -> bytes:
    """B_VARCHAR"""
    text = text.encode("utf-16-le", "surrogatepass")
    return bytes([len(text) // 2]) + text


def text(value: str) -> bytes:
    """US_VARCHAR"""
    data = value.encode("utf-16-le", "surrogatepass")
    return struct.pack("<H", len(data) // 2) + data


def done(token: int = DONE, status: int = 0, count: int = -1, command: int = SELECT_COMMAND) -> bytes:
    if count >= 0:
        status |= COUNT
    return struct.pack("<BHHQ", token, status, command, max(count, 0))


def _message(token: int, number: int, state: int, severity: int, words: str, server: str, line: int) -> bytes:
    body = struct.pack("<iBB", number, state, severity) + text(words) + short_text(server) + short_text("") + struct.pack("<i", line)
    return struct.pack("<BH", token, len(body)) + body


def error(failed, server: str) -> bytes:
    """`failed` is a SqlError."""
    return _message(0xAA, failed.number, failed.state, failed.severity, failed.text, server, failed.line)


def information(number: int, words: str, server: str, severity: int = 0, state: int = 1, line: int = 1) -> bytes:
    return _message(0xAB, number, state, severity, words, server, line)


def environment(what: int, new: str, old: str) -> bytes:
    body = bytes([what]) + short_text(new) + short_text(old)
    return struct.pack("<BH", 0xE3, len(body)) + body


def environment_bytes(what: int, new: bytes, old: bytes) -> bytes:
    body = bytes([what, len(new)]) + new + bytes([len(old)]) + old
    return struct.pack("<BH", 0xE3, len(body)) + body


def login_acknowledged(version: tuple) -> bytes:
    major, minor, build = version
    body = bytes([1]) + bytes.fromhex("74000004") + short_text("Microsoft SQL Server") + struct.pack(">BBH", major, minor, build)
    return struct.pack("<BH", 0xAD, len(body)) + body


def features_acknowledged(features: dict) -> bytes:
    body = b"".join(struct.pack("<BI", number, len(data)) + data for number, data in features.items())
    return b"\xae" + body + b"\xff"


def sspi(data: bytes) -> bytes:
    return struct.pack("<BH", 0xED, len(data)) + data


def return_status(value: int) -> bytes:
    return struct.pack("<Bi", 0x79, value)
