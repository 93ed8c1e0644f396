"""RFC 9113 section 10.5: what a client may not do to a server. Each flood ends its connection with
ENHANCE_YOUR_CALM (or an error of its own), and the next connection is served."""

from frames import (CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY,
                    HEADERS, INITIAL_WINDOW_SIZE, INTERNAL_ERROR, PING, PRIORITY, PROTOCOL_ERROR, RST_STREAM, SETTINGS,
                    Client, Closed, Failed, frame, settings, u32)

CASES = []


def case(name):
    def add(function):
        CASES.append((name, function))
        return function
    return add


def ends(client, *codes):
    """The connection is closed; where a code came with it, it is one of these."""
    try:
        while True:
            got = client.read()
            if got.kind == GOAWAY and got.code() not in codes:
                raise Failed(f"GOAWAY({got.code()})")
    except Closed:
        pass


def flood(name, piece, count, *codes):
    def run(port):
        with Client(port) as client:
            client.raw(piece * count)
            ends(client, *(codes or (ENHANCE_YOUR_CALM,)))
        with Client(port) as client:
            client.works()
    CASES.append((name, run))


flood("PING flood", frame(PING, 0, 0, b"12345678"), 5000)
flood("SETTINGS flood", frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 65535))), 5000)
flood("PRIORITY flood", frame(PRIORITY, 0, 1, u32(0) + b"\x10"), 5000)


@case("rapid reset (CVE-2023-44487)")
def rapid_reset(port):
    with Client(port) as client:
        for _ in range(3000):
            stream = client.new_stream()
            block = client.block(client.fields())
            client.raw(frame(HEADERS, END_HEADERS | END_STREAM, stream, block)
                       + frame(RST_STREAM, 0, stream, u32(CANCEL)))
        ends(client, ENHANCE_YOUR_CALM)
    with Client(port) as client:
        client.works()


@case("made to reset (CVE-2025-8671): broken streams")
def made_you_reset(port):
    with Client(port) as client:
        for _ in range(3000):
            stream = client.new_stream()
            client.raw(frame(HEADERS, END_HEADERS | END_STREAM, stream, client.block(client.fields()))
                       + frame(8, 0, stream, u32(0)))
        ends(client, ENHANCE_YOUR_CALM, PROTOCOL_ERROR)


@case("streams beyond the limit, without end")
def refused_streams(port):
    with Client(port) as client:
        for _ in range(3000):
            client.request("/slow")
        ends(client, ENHANCE_YOUR_CALM, PROTOCOL_ERROR)


@case("empty DATA flood (CVE-2019-9518)")
def empty_data(port):
    with Client(port) as client:
        stream = client.request("/echo", "POST", end=False)
        client.raw(frame(DATA, 0, stream) * 5000)
        ends(client, ENHANCE_YOUR_CALM)


@case("CONTINUATION flood (CVE-2024-27316)")
def continuations(port):
    with Client(port) as client:
        client.send(HEADERS, END_STREAM, 1, client.block(client.fields()))
        for i in range(2000):
            client.send(CONTINUATION, 0, 1, client.block([(f"x-{i}", "v" * 1000)]))
        ends(client, ENHANCE_YOUR_CALM, PROTOCOL_ERROR, INTERNAL_ERROR)
    with Client(port) as client:
        client.works()


@case("empty CONTINUATION flood")
def empty_continuations(port):
    with Client(port) as client:
        client.send(HEADERS, END_STREAM, 1, b"")
        client.raw(frame(CONTINUATION, 0, 1) * 5000)
        ends(client, ENHANCE_YOUR_CALM, PROTOCOL_ERROR, INTERNAL_ERROR)


@case("HPACK bomb (CVE-2016-6581)")
def hpack_bomb(port):
    with Client(port) as client:
        # One field of 3 KB in the table, then named by one byte each time.
        client.encoder.huffman = False
        first = client.block(client.fields()) + b"\x40\x01x\x7f\xb9\x16" + b"v" * (127 + 0x39 + (0x16 << 7))
        client.send(HEADERS, END_HEADERS | END_STREAM, 1, first[:16384])
        client.response(1)
        for _ in range(40):
            stream = client.new_stream()
            if stream == 1:
                stream = client.new_stream()
            client.send(HEADERS, END_HEADERS | END_STREAM, stream, b"\x82\x84\x86\xbe" + b"\xbe" * 16000)
        try:
            while True:
                got = client.read()
                if got.kind == GOAWAY:
                    assert got.code() in (ENHANCE_YOUR_CALM, COMPRESSION_ERROR, PROTOCOL_ERROR), got.code()
        except Closed:
            pass
    with Client(port) as client:
        client.works()


@case("zero windows: held responses are bounded, neighbours are served")
def zero_windows(port):
    with Client(port, greet=[(INITIAL_WINDOW_SIZE, 0)]) as held:
        for _ in range(20):
            held.request("/big?1000000")
        held.ping()
        with Client(port) as client:
            client.works()
