"""Packets of TDS (MS-TDS 2.2.3): a header of 8 bytes, then data; a message ends with the packet that says so."""

import socket
import struct

HEADER = struct.Struct(">BBHHBB")  # type, status, length with header, process id, number, window

SQL_BATCH, RPC, RESPONSE, ATTENTION, TRANSACTION, LOGIN7, SSPI, PRELOGIN = 1, 3, 4, 6, 14, 16, 17, 18
END_OF_MESSAGE, RESET_CONNECTION, RESET_KEEPING_TRANSACTION = 1, 8, 16

LARGEST_PACKET, LARGEST_ENCRYPTED_PACKET = 32767, 16383
_BUFFERS_PER_CALL = 512  # below IOV_MAX


class Closed(Exception):
    """The client is gone."""


class Plain:
    """Bytes over the socket as they are. One thread reads, one writes."""

    def __init__(self, connection: socket.socket):
        self.socket = connection
        self._kept = b""

    def read_some(self) -> bytes:
        try:
            data = self.socket.recv(65536)
        except OSError as error:
            raise Closed(str(error)) from None
        if not data:
            raise Closed("end of stream")
        return data

    def read(self, count: int) -> bytes:
        while len(self._kept) < count:
            self._kept += self.read_some()
        data, self._kept = self._kept[:count], self._kept[count:]
        return data

    def write(self, buffers: list):
        try:
            for first in range(0, len(buffers), _BUFFERS_PER_CALL):
                self._write_all(buffers[first:first + _BUFFERS_PER_CALL])
        except OSError as error:
            raise Closed(str(error)) from None

    def _write_all(self, buffers):
        first, sent = 0, self.socket.sendmsg(buffers)
        while True:
            while first < len(buffers) and sent >= len(buffers[first]):
                sent -= len(buffers[first])
                first += 1
            if first == len(buffers):
                return
            rest = [memoryview(buffers[first])[sent:], *buffers[first + 1:]]
            buffers, first, sent = rest, 0, self.socket.sendmsg(rest)


def read_packet(channel):
    """(type, status, data)."""
    kind, status, length, _, _, _ = HEADER.unpack(channel.read(HEADER.size))
    if length < HEADER.size:
        raise Closed(f"a packet of {length} bytes")
    return kind, status, channel.read(length - HEADER.size)


def read_message(channel):
    """(type, status of the first packet, data of all)."""
    kind, first_status, data = read_packet(channel)
    status, parts = first_status, [data]
    while not status & END_OF_MESSAGE:
        _, status, data = read_packet(channel)
        parts.append(data)
    return kind, first_status, b"".join(parts)


class MessageWriter:
    """One answer at a time, cut into packets. Holds at most a packet and the last token; a client that does not read blocks it."""

    def __init__(self, channel, packet_size: int = 4096, process_id: int = 0):
        self.channel, self.packet_size, self.process_id = channel, packet_size, process_id
        self._data = bytearray()
        self._number = 0

    def write(self, data: bytes):
        self._data += data
        if len(self._data) > self.packet_size - HEADER.size:
            self._send(final=False)

    def write_blocks(self, block: bytes, times: int):
        """The same bytes many times over, without copying them."""
        size = self.packet_size - HEADER.size
        self._send(final=False)
        view, start = memoryview(block), 0
        head, self._data = bytes(self._data), bytearray()  # less than a packet, in front of the first one
        buffers, room = [], 0
        total = len(head) + len(block) * times
        taken = 0
        pending = [memoryview(head)] if head else []
        room = size - len(head)
        for _ in range(times):
            start = 0
            while len(block) - start >= room:
                pending.append(view[start:start + room])
                start += room
                buffers.append(self._header(size, 0))
                buffers += pending
                pending, room = [], size
                taken += size
                if len(buffers) >= _BUFFERS_PER_CALL - 16:
                    self.channel.write(buffers)
                    buffers = []
            if start < len(block):
                pending.append(view[start:])
                room -= len(block) - start
        if buffers:
            self.channel.write(buffers)
        for rest in pending:
            self._data += rest
        assert taken + len(self._data) == total

    def flush(self):
        """Full packets, and what is left as one that is not full."""
        data = bytes(self._data)
        self._data = bytearray()
        if data:
            self.channel.write([self._header(len(data), 0), data])

    def finish(self):
        self._send(final=True)
        self._number = 0

    def finish_cut(self):
        """Half of what is left, under a header that promises all of it."""
        data = bytes(self._data) + bytes(64)
        self._data = bytearray()
        self.channel.write([self._header(len(data), 0), data[:len(data) // 2]])

    def _header(self, size: int, status: int) -> bytes:
        self._number = (self._number + 1) & 255
        return HEADER.pack(RESPONSE, status, size + HEADER.size, self.process_id & 0xFFFF, self._number, 0)

    def _send(self, final: bool):
        size = self.packet_size - HEADER.size
        data, buffers, start = bytes(self._data), [], 0
        while len(data) - start > size:
            buffers += [self._header(size, 0), data[start:start + size]]
            start += size
        if final:
            buffers += [self._header(len(data) - start, END_OF_MESSAGE), data[start:]]
            start = len(data)
        self._data = bytearray(data[start:])
        if buffers:
            self.channel.write(buffers)
