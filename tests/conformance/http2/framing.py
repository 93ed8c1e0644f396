"""RFC 9113 sections 3.4, 4 and 6: the preface, frames and their sizes, each type's own rules."""

from frames import (ACK, CANCEL, CONTINUATION, DATA, ENABLE_CONNECT_PROTOCOL, ENABLE_PUSH, END_HEADERS, END_STREAM,
                    FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS,
                    MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, NO_ERROR, PADDED, PING, PREFACE, PRIORITY, PRIORITY_FLAG,
                    PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, Client, Closed,
                    Failed, frame, settings, u32)

CASES = []


def case(name):
    def add(function):
        CASES.append((name, function))
        return function
    return add


def connection_error(name, data, *codes):
    """A case: these bytes after the handshake end the connection with one of the codes."""
    def run(port):
        with Client(port) as client:
            client.raw(data)
            client.goes_away(*codes)
    CASES.append((name, run))


def half_open(name, kind, flags, payload, *codes):
    """A case: such a frame on a stream whose request is not complete."""
    def run(port):
        with Client(port) as client:
            stream = client.request("/echo", "POST", end=False)
            client.send(kind, flags, stream, payload)
            client.fails(stream, *codes)
    CASES.append((name, run))


@case("3.4 the server's preface is SETTINGS, with our limits")
def preface(port):
    with Client(port) as client:
        for name in (MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE):
            assert client.server_settings.get(name), client.server_settings
        assert client.server_settings.get(ENABLE_PUSH, 0) == 0
        client.works()


@case("3.4 a preface in single bytes")
def preface_in_pieces(port):
    with Client(port, preface=False) as client:
        for byte in PREFACE + frame(SETTINGS, 0, 0):
            client.raw(bytes((byte,)))
        client.works()


@case("3.4 a broken preface is no HTTP/2")
def broken_preface(port):
    with Client(port, preface=False) as client:
        client.raw(PREFACE[:-4] + b"XX\r\n")
        try:
            while True:
                client.bytes(1, 20)
        except Closed:
            pass


@case("3.4 something else than SETTINGS after the preface")
def no_settings(port):
    with Client(port, preface=False) as client:
        client.raw(PREFACE + frame(PING, 0, 0, b"12345678"))
        client.goes_away(PROTOCOL_ERROR)


@case("3 HTTP/1.1 on the same port")
def http1(port):
    with Client(port, preface=False) as client:
        client.raw(b"GET / HTTP/1.1\r\nHost: h2.test\r\nConnection: close\r\n\r\n")
        answer = b""
        try:
            while True:
                answer += client.bytes(1, 20)
        except Closed:
            pass
        assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"hello"), answer


@case("4.1 frames of unknown types are ignored")
def unknown_frame(port):
    with Client(port) as client:
        client.send(0xbb, 0xff, 0, b"what?")
        client.send(0xbc, 0, 1, b"")
        client.works()


@case("4.1 undefined flags and the reserved bit are ignored")
def undefined_flags(port):
    with Client(port) as client:
        client.send(PING, 0xfe, 1 << 31, b"12345678")
        client.read_until(lambda f: f.kind == PING and f.flags & ACK and f.payload == b"12345678", "PING ACK")
        client.works()


@case("4.2 a frame of the largest size")
def largest_frame(port):
    with Client(port) as client:
        stream = client.request("/echo", "POST", end=False)
        client.send(DATA, END_STREAM, stream, b"x" * 16384)
        assert client.response(stream)[2] == b"x" * 16384


connection_error("4.2 HEADERS above SETTINGS_MAX_FRAME_SIZE", frame(HEADERS, 5, 1, b"\x82" * 16385), FRAME_SIZE_ERROR)
half_open("4.2 DATA above SETTINGS_MAX_FRAME_SIZE", DATA, 0, b"x" * 16385, FRAME_SIZE_ERROR)
connection_error("4.3 a header block that can't be decoded", frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff"), 9)
connection_error("4.3 another frame inside a header block", frame(HEADERS, 0, 1, b"\x82") + frame(PING, 0, 0, b"8" * 8),
                 PROTOCOL_ERROR)
connection_error("4.3 CONTINUATION of another stream", frame(HEADERS, 0, 1, b"\x82") + frame(CONTINUATION, 4, 3, b"\x84"),
                 PROTOCOL_ERROR)

# ---- 6.1 DATA
connection_error("6.1 DATA on stream 0", frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR)
connection_error("6.1 DATA on an idle stream", frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR)


@case("6.1 padding is dropped")
def padded_data(port):
    with Client(port) as client:
        stream = client.request("/echo", "POST", end=False)
        client.send(DATA, PADDED | END_STREAM, stream, b"\x03abc\0\0\0")
        answer = client.response(stream)
        assert answer[2] == b"abc", answer


half_open("6.1 padding as long as the frame", DATA, PADDED, b"\x04abc", PROTOCOL_ERROR)


@case("6.1 DATA after END_STREAM")
def data_after_end(port):
    with Client(port) as client:
        stream = client.request("/slow")
        client.send(DATA, 0, stream, b"x")
        client.fails(stream, STREAM_CLOSED, PROTOCOL_ERROR)


# ---- 6.2 HEADERS
connection_error("6.2 HEADERS on stream 0", frame(HEADERS, 5, 0, b"\x82\x84\x86"), PROTOCOL_ERROR)
connection_error("6.2 padding as long as the frame", frame(HEADERS, 5 | PADDED, 1, b"\x04\x82\x84\x86"), PROTOCOL_ERROR,
                 FRAME_SIZE_ERROR)


@case("6.2 padding and priority fields")
def padded_headers(port):
    with Client(port) as client:
        block = client.block(client.fields())
        client.send(HEADERS, END_HEADERS | END_STREAM | PADDED | PRIORITY_FLAG, 1,
                    b"\x02" + u32(0) + b"\x10" + block + b"\0\0")
        assert client.response(1)[2] == b"hello"


# ---- 6.3 PRIORITY
@case("6.3 PRIORITY in any state")
def priority(port):
    with Client(port) as client:
        client.send(PRIORITY, 0, 7, u32(0) + b"\x10")
        client.works()
        client.send(PRIORITY, 0, 1, u32(0) + b"\x10")
        client.works()


connection_error("6.3 PRIORITY on stream 0", frame(PRIORITY, 0, 0, u32(1) + b"\x10"), PROTOCOL_ERROR)
half_open("6.3 PRIORITY of another length", PRIORITY, 0, b"1234", FRAME_SIZE_ERROR)

# ---- 6.4 RST_STREAM
connection_error("6.4 RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, u32(8)), PROTOCOL_ERROR)
connection_error("6.4 RST_STREAM on an idle stream", frame(RST_STREAM, 0, 1, u32(8)), PROTOCOL_ERROR)
connection_error("6.4 RST_STREAM of another length", frame(RST_STREAM, 0, 1, b"123"), FRAME_SIZE_ERROR)


@case("6.4 RST_STREAM ends a request, and only that")
def rst_stream(port):
    with Client(port) as client:
        stream = client.request("/slow")
        client.send(RST_STREAM, 0, stream, u32(CANCEL))
        client.works()
        assert not any(f.stream == stream for f in client.seen)


# ---- 6.5 SETTINGS
connection_error("6.5 SETTINGS on a stream", frame(SETTINGS, 0, 1), PROTOCOL_ERROR)
connection_error("6.5 SETTINGS ACK with a payload", frame(SETTINGS, ACK, 0, settings((1, 1))), FRAME_SIZE_ERROR)
connection_error("6.5 SETTINGS of another length", frame(SETTINGS, 0, 0, b"12345"), FRAME_SIZE_ERROR)
connection_error("6.5.2 ENABLE_PUSH neither 0 nor 1", frame(SETTINGS, 0, 0, settings((ENABLE_PUSH, 2))), PROTOCOL_ERROR)
connection_error("6.5.2 INITIAL_WINDOW_SIZE above 2^31-1",
                 frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 1 << 31))), FLOW_CONTROL_ERROR)
connection_error("6.5.2 MAX_FRAME_SIZE below 16384", frame(SETTINGS, 0, 0, settings((MAX_FRAME_SIZE, 16383))),
                 PROTOCOL_ERROR)
connection_error("6.5.2 MAX_FRAME_SIZE above 2^24-1", frame(SETTINGS, 0, 0, settings((MAX_FRAME_SIZE, 1 << 24))),
                 PROTOCOL_ERROR)


@case("6.5.2 unknown settings are ignored")
def unknown_setting(port):
    with Client(port) as client:
        client.send(SETTINGS, 0, 0, settings((0xbabe, 7)))
        client.read_until(lambda f: f.kind == SETTINGS and f.flags & ACK, "SETTINGS ACK")
        client.works()


@case("6.5.2 our frames stay within the client's MAX_FRAME_SIZE")
def frame_size(port):
    with Client(port, greet=[(INITIAL_WINDOW_SIZE, 1 << 20)]) as client:
        assert len(client.response(client.request("/big?200000"))[2]) == 200000


@case("6.5.3 settings are acknowledged in order")
def settings_ack(port):
    with Client(port) as client:
        for size in (100, 200, 300):
            client.send(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, size)))
        for _ in range(3):
            client.read_until(lambda f: f.kind == SETTINGS and f.flags & ACK, "SETTINGS ACK")


# ---- 6.6 PUSH_PROMISE
connection_error("6.6 PUSH_PROMISE from a client", frame(PUSH_PROMISE, 4, 1, u32(2) + b"\x82\x84\x86"), PROTOCOL_ERROR)


# ---- 6.7 PING
@case("6.7 PING is answered with its payload")
def ping(port):
    with Client(port) as client:
        client.send(PING, 0, 0, b"\x01\x02\x03\x04\x05\x06\x07\x08")
        client.read_until(lambda f: f.kind == PING and f.payload == b"\x01\x02\x03\x04\x05\x06\x07\x08", "PING ACK")
        client.send(PING, ACK, 0, b"nobody's")
        client.ping()
        assert not any(f.kind == PING and f.payload == b"nobody's" for f in client.seen)


connection_error("6.7 PING on a stream", frame(PING, 0, 1, b"12345678"), PROTOCOL_ERROR)
connection_error("6.7 PING of another length", frame(PING, 0, 0, b"1234567"), FRAME_SIZE_ERROR)

# ---- 6.8 GOAWAY
connection_error("6.8 GOAWAY on a stream", frame(GOAWAY, 0, 1, u32(0) + u32(0)), PROTOCOL_ERROR)


@case("6.8 after the client's GOAWAY its requests are still answered")
def goaway(port):
    with Client(port) as client:
        stream = client.request("/unread")
        client.send(GOAWAY, 0, 0, u32(0) + u32(NO_ERROR))
        assert client.response(stream)[2] == b"unread"


# ---- 6.9 WINDOW_UPDATE, 5.2
connection_error("6.9 WINDOW_UPDATE of 0 on the connection", frame(WINDOW_UPDATE, 0, 0, u32(0)), PROTOCOL_ERROR)
half_open("6.9 WINDOW_UPDATE of 0 on a stream", WINDOW_UPDATE, 0, u32(0), PROTOCOL_ERROR)
connection_error("6.9 WINDOW_UPDATE of another length", frame(WINDOW_UPDATE, 0, 0, b"123"), FRAME_SIZE_ERROR)
connection_error("6.9 WINDOW_UPDATE on an idle stream", frame(WINDOW_UPDATE, 0, 1, u32(1)), PROTOCOL_ERROR)
connection_error("6.9.1 a connection window above 2^31-1", frame(WINDOW_UPDATE, 0, 0, u32(0x7fffffff)),
                 FLOW_CONTROL_ERROR)
half_open("6.9.1 a stream's window above 2^31-1", WINDOW_UPDATE, 0, u32(0x7fffffff), FLOW_CONTROL_ERROR)


@case("6.9.1 no more than the stream's window is sent")
def stream_window(port):
    with Client(port, greet=[(INITIAL_WINDOW_SIZE, 100)]) as client:
        stream = client.request("/big?250")
        got = client.read_until(lambda f: f.kind == DATA, "DATA")
        assert len(got.payload) == 100 and not got.flags & END_STREAM
        client.ping()
        assert sum(len(f.payload) for f in client.seen if f.kind == DATA) == 100
        client.send(WINDOW_UPDATE, 0, stream, u32(1))
        assert len(client.read_until(lambda f: f.kind == DATA, "DATA").payload) == 1
        client.send(WINDOW_UPDATE, 0, stream, u32(1000))
        got = client.read_until(lambda f: f.kind == DATA, "DATA")
        assert len(got.payload) == 149


@case("6.9.1 no more than the connection's window is sent")
def connection_window(port):
    with Client(port, greet=[(INITIAL_WINDOW_SIZE, 1 << 20)]) as client:
        client.request("/big?100000")
        total = 0
        while total < 65535:
            total += len(client.read_until(lambda f: f.kind == DATA, "DATA").payload)
        assert total == 65535
        client.ping()
        assert sum(len(f.payload) for f in client.seen if f.kind == DATA) == 65535
        client.send(WINDOW_UPDATE, 0, 0, u32(1 << 20))
        client.read_until(lambda f: f.kind == DATA and f.flags & END_STREAM, "the rest")


@case("6.9.2 INITIAL_WINDOW_SIZE changes the windows of open streams")
def initial_window(port):
    with Client(port, greet=[(INITIAL_WINDOW_SIZE, 0)]) as client:
        client.request("/big?10")
        client.ping()
        assert not any(f.kind == DATA for f in client.seen)
        client.send(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 4)))
        assert client.read_until(lambda f: f.kind == DATA, "DATA").payload == b"xxxx"
        # Negative now; the window must come back above zero before more is sent.
        client.send(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 0)))
        client.send(WINDOW_UPDATE, 0, 1, u32(4))
        client.ping()
        assert sum(len(f.payload) for f in client.seen if f.kind == DATA) == 4
        client.send(WINDOW_UPDATE, 0, 1, u32(6))
        assert client.read_until(lambda f: f.kind == DATA, "DATA").payload == b"xxxxxx"


@case("6.9.2 INITIAL_WINDOW_SIZE that overflows an open stream's window")
def initial_window_overflow(port):
    with Client(port) as client:
        stream = client.request("/slow")
        client.send(WINDOW_UPDATE, 0, stream, u32(0x7fffffff - 65535))
        client.send(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 65536)))
        client.fails(stream, FLOW_CONTROL_ERROR)


@case("6.9 more than our window of a stream is refused")
def overflow_of_ours(port):
    with Client(port) as client:
        window = client.server_settings[INITIAL_WINDOW_SIZE]
        stream = client.request("/unread", "POST", end=False)
        for _ in range(window // 16384 + 1):
            client.send(DATA, 0, stream, b"x" * 16384)
        client.fails(stream, FLOW_CONTROL_ERROR)


@case("6.9 our windows open as the Worker reads")
def windows_open(port):
    with Client(port) as client:
        stream = client.request("/echo", "POST", end=False)
        left, total = client.server_settings[INITIAL_WINDOW_SIZE], 0
        connection_left = 65535 + sum(int.from_bytes(f.payload, "big") for f in client.seen
                                      if f.kind == WINDOW_UPDATE and f.stream == 0)
        while total < 3 << 20:
            count = min(left, connection_left, 16384)
            if count == 0:
                got = client.read_until(lambda f: f.kind == WINDOW_UPDATE, "WINDOW_UPDATE")
                if got.stream == stream:
                    left += int.from_bytes(got.payload, "big")
                else:
                    connection_left += int.from_bytes(got.payload, "big")
                continue
            client.send(DATA, 0, stream, b"x" * count)
            left, connection_left, total = left - count, connection_left - count, total + count
        client.send(DATA, END_STREAM, stream)
        assert len(client.response(stream)[2]) == total


# ---- 6.10 CONTINUATION
@case("6.10 a header block in pieces")
def continuation(port):
    with Client(port) as client:
        block = client.block(client.fields())
        client.send(HEADERS, END_STREAM, 1, block[:3])
        client.send(CONTINUATION, 0, 1, block[3:4])
        client.send(CONTINUATION, 0, 1, b"")
        client.send(CONTINUATION, END_HEADERS, 1, block[4:])
        assert client.response(1)[2] == b"hello"


connection_error("6.10 CONTINUATION on stream 0", frame(CONTINUATION, 4, 0, b"\x82"), PROTOCOL_ERROR)
connection_error("6.10 CONTINUATION without HEADERS", frame(CONTINUATION, 4, 1, b"\x82"), PROTOCOL_ERROR)


@case("6.10 CONTINUATION after END_HEADERS")
def continuation_after_end(port):
    with Client(port) as client:
        client.request("/slow")
        client.send(CONTINUATION, END_HEADERS, 1, b"\x82")
        client.goes_away(PROTOCOL_ERROR)


@case("8441 3: ENABLE_CONNECT_PROTOCOL is announced")
def connect_protocol(port):
    with Client(port) as client:
        if client.server_settings.get(ENABLE_CONNECT_PROTOCOL) != 1:
            raise Failed(client.server_settings)
