"""LOGIN7 (MS-TDS 2.2.6.4): who the client says it is."""

import struct
from dataclasses import dataclass, field

from .parameters import protocol_error

FEDAUTH, UTF8 = 0x02, 0x0A  # features
TOKEN_LIBRARY = 1


@dataclass
class Login7:
    version: int
    packet_size: int
    integrated: bool
    read_only_intent: bool
    host: str
    user: str
    password: str
    application: str
    server: str
    library: str
    language: str
    database: str
    sspi: bytes = b""
    features: dict = field(default_factory=dict)

    def access_token(self):
        """The token, when the client logs in with one; else None."""
        data = self.features.get(FEDAUTH)
        if data is None:
            return None
        if data[0] >> 1 != TOKEN_LIBRARY:
            raise protocol_error("Only access tokens are understood, no other federated login.")
        (length,) = struct.unpack_from("<I", data, 1)
        return data[5:5 + length].decode("utf-16-le")


def _secret(data: bytes) -> str:
    """Passwords travel with their half-bytes swapped after XOR with A5."""
    plain = bytes((byte ^ 0xA5) >> 4 | ((byte ^ 0xA5) << 4) & 0xF0 for byte in data)
    return plain.decode("utf-16-le", "replace")


def parse(data: bytes) -> Login7:
    if len(data) < 94:
        raise protocol_error("LOGIN7 is too short.")
    version, packet_size = struct.unpack_from("<II", data, 4)
    _, flags2, type_flags, flags3 = data[24:28]

    def part(position: int, unit: int = 2) -> bytes:
        offset, count = struct.unpack_from("<HH", data, position)
        return data[offset:offset + count * unit]

    def text(position: int) -> str:
        return part(position).decode("utf-16-le", "replace")

    sspi_offset, sspi_length = struct.unpack_from("<HH", data, 78)
    if sspi_length == 0xFFFF:
        (sspi_length,) = struct.unpack_from("<I", data, 90)
    login = Login7(version=version, packet_size=packet_size, integrated=bool(flags2 & 0x80), read_only_intent=bool(type_flags & 0x20),
                   host=text(36), user=text(40), password=_secret(part(44)), application=text(48), server=text(52), library=text(60),
                   language=text(64), database=text(68), sspi=data[sspi_offset:sspi_offset + sspi_length])
    if flags3 & 0x10:
        login.features = _features(data, part(56, unit=1))
    return login


def _features(data: bytes, pointer: bytes) -> dict:
    (at,) = struct.unpack("<I", pointer[:4])
    features = {}
    while at < len(data) and data[at] != 0xFF:
        number, length = struct.unpack_from("<BI", data, at)
        features[number] = data[at + 5:at + 5 + length]
        at += 5 + length
    return features
