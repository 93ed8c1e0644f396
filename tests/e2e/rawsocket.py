"""WebSocket frames by hand, for tests that break the rules. Not a test itself."""

import base64
import os
import socket
import struct
import zlib

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True, length_form=None):
    """length_form: 126 or 127 forces that form."""
    size = len(payload)
    form = length_form or (size if size < 126 else 126 if size < 65536 else 127)
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode, (0x80 if mask else 0) | form])
    if form == 126:
        head += struct.pack(">H", size)
    elif form == 127:
        head += struct.pack(">Q", size)
    if not mask:
        return head + payload
    key = os.urandom(4)
    long_key = (key * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(long_key, "big")).to_bytes(size, "big") if size else b""
    return head + key + masked


def deflated(data, level=6, wbits=-15):
    squeeze = zlib.compressobj(level, zlib.DEFLATED, wbits)
    out = squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    assert out.endswith(b"\0\0\xff\xff")
    return out[:-4]


def inflated(data):
    return zlib.decompressobj(-15).decompress(data + b"\0\0\xff\xff")


class Closed(Exception):
    pass


class Raw:
    """A client's end."""

    def __init__(self, port, path="/", extensions=None, headers=(), timeout_s=30, version="13", key=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.key = key or base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket",
                 "Connection: Upgrade", f"Sec-WebSocket-Key: {self.key}", f"Sec-WebSocket-Version: {version}"]
        if extensions:
            lines.append(f"Sec-WebSocket-Extensions: {extensions}")
        lines.extend(headers)
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        head = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {}
        for line in head[1:]:
            if ":" in line:
                name, value = line.split(":", 1)
                self.headers[name.lower()] = value.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def more(self):
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionError as error:
            raise Closed("reset") from error
        if not data:
            raise Closed("end")
        self.buffer += data

    def until(self, mark):
        while mark not in self.buffer:
            self.more()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def take(self, size):
        while len(self.buffer) < size:
            self.more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def send(self, *arguments, chop=None, **named):
        data = frame(*arguments, **named)
        if chop is None:
            self.raw(data)
        else:
            for at in range(0, len(data), chop):
                self.raw(data[at:at + chop])

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except ConnectionError:
            pass  # what the other side said before can still be read

    def frame(self):
        """(opcode, payload, fin, rsv); checks that it is not masked."""
        first, second = self.take(2)
        assert not second & 0x80, "a server's frame is masked"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", self.take(2))[0]
            assert size > 125, "long form of a short length"
        elif size == 127:
            size = struct.unpack(">Q", self.take(8))[0]
            assert size > 65535, "long form of a short length"
        return first & 0x0F, self.take(size), bool(first & 0x80), first >> 4 & 7

    def message(self):
        """(opcode, data) of the next whole message or control frame."""
        opcode, data, fin, rsv = self.frame()
        while not fin:
            more, piece, fin, _ = self.frame()
            assert more == CONT
            data += piece
        return opcode, inflated(data) if rsv & 4 else data

    def close_code(self):
        """Reads to the server's Close frame and to the end; its code, None without one."""
        while True:
            opcode, data, _, _ = self.frame()
            if opcode == CLOSE:
                break
        self.ended()
        return struct.unpack(">H", data[:2])[0] if data else None

    def ended(self):
        """Nothing may follow."""
        try:
            while True:
                self.more()
                assert not self.buffer, f"bytes after the Close frame: {self.buffer[:20]!r}"
        except Closed:
            return True
