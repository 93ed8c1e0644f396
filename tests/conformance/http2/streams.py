"""RFC 9113 section 5: states of a stream, identifiers, concurrency, errors; RFC 8441: tunnels."""

import struct

from frames import (CANCEL, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, MAX_CONCURRENT_STREAMS, NO_ERROR,
                    PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, STREAM_CLOSED, WINDOW_UPDATE, Client, Failed, frame,
                    u32)

CASES = []


def case(name):
    def add(function):
        CASES.append((name, function))
        return function
    return add


@case("5.1 idle: a client's HEADERS on an even stream")
def even_stream(port):
    with Client(port) as client:
        client.request(stream=2)
        client.goes_away(PROTOCOL_ERROR)


@case("5.1.1 a stream below the last one")
def lower_stream(port):
    with Client(port) as client:
        client.response(client.request(stream=5))
        client.request(stream=3)
        # nghttp2 takes it for trailers of a stream that it has forgotten: ignored, and never served.
        client.send(6, 0, 0, b"12345678")
        while True:
            got = client.read()
            if got.stream == 3 and got.kind in (HEADERS, DATA):
                raise Failed("it was served")
            if got.kind in (6, GOAWAY):
                break


@case("5.1.1 skipped streams")
def skipped(port):
    with Client(port) as client:
        assert client.response(client.request(stream=101))[2] == b"hello"


@case("5.1 half-closed (remote): HEADERS")
def headers_after_end(port):
    with Client(port) as client:
        stream = client.request("/slow")
        client.send(HEADERS, END_HEADERS | END_STREAM, stream, client.block([("x", "y")]))
        client.fails(stream, STREAM_CLOSED, PROTOCOL_ERROR)


@case("5.1 closed by END_STREAM: DATA")
def data_when_closed(port):
    with Client(port) as client:
        stream = client.request()
        client.response(stream)
        client.send(DATA, END_STREAM, stream, b"x")
        # nghttp2 forgets a closed stream: it may be ignored or an error, but not taken up again.
        client.send(6, 0, 0, b"12345678")
        while True:
            got = client.read()
            if got.kind in (6, GOAWAY) or (got.kind == RST_STREAM and got.stream == stream):
                break
            if got.stream == stream:
                raise Failed(f"a frame of type {got.kind}")


@case("5.1 closed by our RST_STREAM: frames on their way are ignored")
def after_our_reset(port):
    with Client(port) as client:
        stream = client.request(method="POST", end=False)
        client.response(stream)  # answered without reading: the server resets the rest
        client.read_until(lambda f: f.kind == RST_STREAM and f.code() == NO_ERROR, "RST_STREAM(NO_ERROR)")
        client.send(DATA, 0, stream, b"x" * 1000)
        client.send(WINDOW_UPDATE, 0, stream, u32(10))
        client.send(RST_STREAM, 0, stream, u32(CANCEL))
        client.works()


@case("5.1 closed: WINDOW_UPDATE and RST_STREAM are ignored")
def late_frames(port):
    with Client(port) as client:
        stream = client.request()
        client.response(stream)
        client.send(WINDOW_UPDATE, 0, stream, u32(10))
        client.send(RST_STREAM, 0, stream, u32(CANCEL))
        client.works()


@case("5.1.2 more streams than allowed are refused")
def too_many(port):
    with Client(port) as client:
        most = client.server_settings[MAX_CONCURRENT_STREAMS]
        for _ in range(most):
            client.request("/slow")
        extra = client.request()
        client.fails(extra, REFUSED_STREAM, PROTOCOL_ERROR)


@case("5.4.1 GOAWAY says the last stream that was looked at")
def last_stream(port):
    with Client(port) as client:
        client.response(client.request())
        client.response(client.request())
        client.send(DATA, 0, 0, b"x")
        got = client_goaway(client)
        assert struct.unpack(">I", got.payload[:4])[0] == 3, got.payload


def client_goaway(client):
    while True:
        got = client.read()
        if got.kind == GOAWAY:
            return got


@case("5.5 unknown frames inside a stream are ignored, inside a header block they are an error")
def unknown_inside(port):
    with Client(port) as client:
        stream = client.request("/echo", "POST", end=False)
        client.send(0xbe, 0, stream, b"x")
        client.send(DATA, END_STREAM, stream, b"body")
        assert client.response(stream)[2] == b"body"
        client.raw(frame(HEADERS, 0, client.new_stream(), b"\x82") + frame(0xbe, 0, 3, b"x"))
        client.goes_away(PROTOCOL_ERROR)


@case("5 answers of many streams in any order")
def many(port):
    with Client(port) as client:
        ids = [client.request(f"/url?{i}") for i in range(50)]
        bodies = {}
        ended = 0
        while ended < len(ids):
            got = client.read()
            if got.kind == HEADERS:
                client.decoder.decode(got.payload)
            if got.kind == DATA:
                bodies[got.stream] = bodies.get(got.stream, b"") + got.payload
            ended += got.kind in (HEADERS, DATA) and got.flags & END_STREAM
        for i, stream in enumerate(ids):
            assert bodies[stream] == f"GET http://h2.test/url?{i}".encode(), bodies[stream]


# ---- RFC 8441
def connect(client, path="/", protocol="websocket", **changes):
    stream = client.new_stream()
    fields = client.fields("CONNECT", path, [("sec-websocket-version", "13")], **changes)
    fields.insert(1, (":protocol", protocol))
    client.send(HEADERS, END_HEADERS, stream, client.block(fields))
    return stream


@case("8441 5: a WebSocket over a stream")
def websocket(port):
    with Client(port) as client:
        stream = connect(client)
        got = client.read_until(lambda f: f.kind == HEADERS and f.stream == stream, "HEADERS")
        fields = dict(client.decoder.decode(got.payload))
        assert fields[":status"] == "200" and not got.flags & END_STREAM, fields
        assert "sec-websocket-accept" not in fields and "upgrade" not in fields, fields
        client.send(DATA, 0, stream, b"\x81\x85abcd" + bytes(a ^ b for a, b in zip(b"hello", b"abcda")))
        answer = b""
        while len(answer) < 7:
            answer += client.read_until(lambda f: f.kind == DATA and f.stream == stream, "DATA").payload
        assert answer == b"\x81\x05hello", answer
        client.works()


@case("8441 4: an extended CONNECT of another protocol")
def other_protocol(port):
    with Client(port) as client:
        client.malformed(connect(client, protocol="connect-udp"))
        client.works()


@case("8441 4: an extended CONNECT without :path")
def no_path(port):
    with Client(port) as client:
        client.malformed(connect(client, without=(":path",)))


@case("8441 4: :protocol with another method than CONNECT")
def protocol_of_get(port):
    with Client(port) as client:
        stream = client.new_stream()
        fields = client.fields()
        fields.insert(1, (":protocol", "websocket"))
        client.send(HEADERS, END_HEADERS | END_STREAM, stream, client.block(fields))
        client.malformed(stream)
