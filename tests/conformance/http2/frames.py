"""An HTTP/2 client that speaks raw frames, and may break every rule. Not a test itself."""

import socket
import struct
import sys
import time

try:
    import hpack
except ImportError:  # Debian's python3-hpack, seen from another interpreter
    sys.path.append("/usr/lib/python3/dist-packages")
    import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FLAG = 0x1, 0x1, 0x4, 0x8, 0x20
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, \
    REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(12)
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = \
    range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WAIT_S = 20


class Failed(Exception):
    pass


class Closed(Exception):
    """The server has closed the connection."""


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def settings(*pairs):
    return b"".join(struct.pack(">HI", name, value) for name, value in pairs)


def u32(value):
    return struct.pack(">I", value)


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    def code(self):
        at = 4 if self.kind == GOAWAY else 0
        return struct.unpack_from(">I", self.payload, at)[0]

    def settings(self):
        return dict(struct.unpack_from(">HI", self.payload, at) for at in range(0, len(self.payload), 6))


class Client:
    """One connection. Acknowledges SETTINGS and PING by itself; opens windows only when told."""

    def __init__(self, port, greet=(), preface=True):
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 24
        self.server_settings = {}
        self.seen = []
        self.next_stream = 1
        if preface:
            self.raw(PREFACE + frame(SETTINGS, 0, 0, settings(*greet)))
            first = self.read()
            if first.kind != SETTINGS or first.flags & ACK:
                raise Failed(f"the first frame is of type {first.kind}")
            self.read_until(lambda f: f.kind == SETTINGS and f.flags & ACK, "SETTINGS ACK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # ---- sending

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what the server had to say about it is still to be read

    def send(self, kind, flags, stream, payload=b""):
        self.raw(frame(kind, flags, stream, payload))

    def fields(self, method="GET", path="/", more=(), without=(), replace=None):
        fields = [(":method", method), (":scheme", "http"), (":authority", "h2.test"), (":path", path)]
        fields = [(name, (replace or {}).get(name, value)) for name, value in fields if name not in without]
        return fields + list(more)

    def block(self, fields):
        return self.encoder.encode(fields, huffman=True)

    def request(self, path="/", method="GET", more=(), end=True, stream=None, **changes):
        """Opens a stream with a request; its id."""
        stream = stream or self.new_stream()
        flags = END_HEADERS | (END_STREAM if end else 0)
        self.send(HEADERS, flags, stream, self.block(self.fields(method, path, more, **changes)))
        return stream

    def new_stream(self):
        self.next_stream += 2
        return self.next_stream - 2

    # ---- reading

    def read(self, timeout_s=WAIT_S):
        head = self.bytes(9, timeout_s)
        length = int.from_bytes(head[:3], "big")
        stream = int.from_bytes(head[5:9], "big")
        got = Frame(head[3], head[4], stream, self.bytes(length, timeout_s))
        if length > 16384:
            raise Failed(f"a frame of {length} bytes")
        if stream >> 31:
            raise Failed("the reserved bit is set")
        if got.kind == SETTINGS and not got.flags & ACK:
            self.server_settings.update(got.settings())
            self.send(SETTINGS, ACK, 0)
        if got.kind == PING and not got.flags & ACK:
            self.send(PING, ACK, 0, got.payload)
        self.seen.append(got)
        return got

    def bytes(self, count, timeout_s):
        end = time.monotonic() + timeout_s
        while len(self.buffer) < count:
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            try:
                chunk = self.socket.recv(65536)
            except TimeoutError:
                raise Failed(f"nothing came in {timeout_s} s") from None
            except ConnectionResetError:
                raise Closed from None
            if not chunk:
                raise Closed
            self.buffer += chunk
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read_until(self, wanted, what):
        while True:
            try:
                got = self.read()
            except Closed:
                raise Failed(f"closed instead of {what}") from None
            if wanted(got):
                return got
            if got.kind == GOAWAY:
                raise Failed(f"GOAWAY({got.code()}) instead of {what}")

    def response(self, stream, open_windows=True):
        """(status, headers, body) of a stream."""
        fields, body = None, b""
        while True:
            try:
                got = self.read()
            except Closed:
                raise Failed("closed instead of a response") from None
            if got.kind == GOAWAY and got.code():
                raise Failed(f"GOAWAY({got.code()}) instead of a response")
            if got.kind == HEADERS:
                decoded = self.decoder.decode(got.payload)
            if got.stream != stream:
                continue
            if got.kind == RST_STREAM:
                raise Failed(f"RST_STREAM({got.code()}) instead of a response")
            if got.kind == HEADERS:
                if not got.flags & END_HEADERS:
                    raise Failed("a header block in pieces")
                if fields is None or fields[":status"].startswith("1"):
                    fields = dict(decoded)
            if got.kind == DATA:
                if fields is None:
                    raise Failed("DATA before HEADERS")
                body += got.payload
                if open_windows and got.payload:
                    self.send(WINDOW_UPDATE, 0, 0, u32(len(got.payload)))
                    if not got.flags & END_STREAM:
                        self.send(WINDOW_UPDATE, 0, stream, u32(len(got.payload)))
            if got.kind in (HEADERS, DATA) and got.flags & END_STREAM:
                return int(fields[":status"]), fields, body

    # ---- expectations

    def goes_away(self, *codes):
        """A connection error: GOAWAY with one of the codes, and the connection is closed."""
        code = None
        try:
            while True:
                got = self.read()
                if got.kind == GOAWAY:
                    code = got.code()
        except Closed:
            pass
        if code is None:
            raise Failed("closed without GOAWAY")
        if codes and code not in codes:
            raise Failed(f"GOAWAY({code}), expected {codes}")

    def fails(self, stream, *codes):
        """A stream error: RST_STREAM with one of the codes (RFC 9113 5.4: or a connection error)."""
        try:
            while True:
                got = self.read()
                if (got.kind == RST_STREAM and got.stream == stream) or got.kind == GOAWAY:
                    if codes and got.code() not in codes:
                        raise Failed(f"code {got.code()}, expected {codes}")
                    return got.kind
        except Closed:
            raise Failed("closed without RST_STREAM or GOAWAY") from None

    def malformed(self, stream):
        """RFC 9113 8.1.1: a stream error of type PROTOCOL_ERROR, maybe after a response of 400."""
        while True:
            try:
                got = self.read()
            except Closed:
                raise Failed("closed without a word") from None
            if got.kind == GOAWAY or (got.kind == RST_STREAM and got.stream == stream):
                if got.code() != PROTOCOL_ERROR:
                    raise Failed(f"code {got.code()}")
                return
            if got.kind == HEADERS and got.stream == stream:
                status = dict(self.decoder.decode(got.payload))[":status"]
                if status not in ("400", "501"):
                    raise Failed(f"status {status}")
                return

    def works(self):
        """The connection still serves."""
        status, _, body = self.response(self.request())
        if (status, body) != (200, b"hello"):
            raise Failed(f"{status} {body!r}")

    def ping(self):
        """Everything that was sent before has been looked at."""
        self.send(PING, 0, 0, b"are you?")
        self.read_until(lambda f: f.kind == PING and f.flags & ACK, "PING ACK")
