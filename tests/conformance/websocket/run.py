#!/usr/bin/env python3
"""RFC 6455 and RFC 7692 against a real `skep serve` with an echo Worker, in the order of the
Autobahn suite's groups:
  1 framing · 2 pings and pongs · 3 reserved bits · 4 opcodes · 5 fragmentation · 6 UTF-8 ·
  7 closing · 9 sizes · 12, 13 permessage-deflate · H the opening handshake
The last line is "N passed, N failed"."""

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"))
from rawsocket import BINARY, CLOSE, CONT, PING, PONG, TEXT, Closed, Raw, deflated, frame, inflated  # noqa: E402
from support import Folder, check, finish, serve, write  # noqa: E402

ECHO = """
export default {
  fetch(request) {
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    server.binaryType = "arraybuffer";
    server.addEventListener("message", (event) => server.send(event.data));
    const wanted = request.headers.get("Sec-WebSocket-Protocol");
    const headers = wanted ? { "Sec-WebSocket-Protocol": wanted.split(",")[0] } : {};
    return new Response(null, { status: 101, webSocket: client, headers });
  },
};
"""
DEFLATE = "permessage-deflate; client_max_window_bits"


class Suite:
    def __init__(self, port):
        self.port = port

    def case(self, name, act, **options):
        """act(raw) is true when all is well."""
        try:
            with Raw(self.port, **options) as raw:
                result = act(raw)
                check(name, result is True or result is None, f"result {result!r}")
        except (Closed, OSError, AssertionError, ValueError) as error:
            check(name, False, repr(error))

    def echoes(self, name, payload, opcode=TEXT, chop=None):
        def act(raw):
            raw.send(opcode, payload, chop=chop)
            return raw.message() == (opcode, payload) and clean_close(raw)
        self.case(name, act)

    def fails(self, name, code, *frames, before=(), **options):
        """The server closes with `code` after these bytes; before: echoes that must come first."""
        def act(raw):
            raw.raw(b"".join(frames))
            for expected in before:
                got = raw.message()
                if got != expected:
                    return got
            got = raw.close_code()
            return True if got == code else got
        self.case(name, act, **options)


def clean_close(raw, code=1000):
    raw.send(CLOSE, struct.pack(">H", code))
    return raw.close_code() == code


def framing(suite):
    for n, size in enumerate((0, 125, 126, 127, 128, 65535, 65536), 1):
        suite.echoes(f"1.1.{n} text of {size}", b"*" * size)
        suite.echoes(f"1.2.{n} binary of {size}", b"\xfe" * size, BINARY)
    suite.echoes("1.1.8 text in pieces of 997", b"*" * 65536, chop=997)
    suite.echoes("1.2.8 binary in pieces of 997", b"\xfe" * 65536, BINARY, chop=997)


def pings(suite):
    for n, (name, payload) in enumerate((("empty", b""), ("text", b"Hello, world!"),
                                         ("binary", b"\x00\xff\xfe\xfd\xfc"), ("of 125", b"\xfe" * 125)), 1):
        suite.case(f"2.{n} ping {name}", lambda raw, data=payload: raw.send(PING, data)
                   or (raw.message() == (PONG, data) and clean_close(raw)))
    suite.fails("2.5 ping of 126", 1002, frame(PING, b"\xfe" * 126))
    suite.case("2.6 ping of 125, byte by byte", lambda raw: raw.send(PING, b"\xfe" * 125, chop=1)
               or raw.message() == (PONG, b"\xfe" * 125))
    suite.case("2.7 a pong nobody asked for, empty", lambda raw: raw.send(PONG) or clean_close(raw))
    suite.case("2.8 a pong nobody asked for", lambda raw: raw.send(PONG, b"unsolicited") or clean_close(raw))

    def after_pong(raw):
        raw.send(PONG, b"unsolicited")
        raw.send(PING, b"ping")
        return raw.message() == (PONG, b"ping") and clean_close(raw)
    suite.case("2.9 a ping after such a pong", after_pong)
    for number, chop in (("2.10", None), ("2.11", 1)):
        def ten(raw, step=chop):
            data = b"".join(frame(PING, b"payload-%d" % i) for i in range(10))
            for at in range(0, len(data), step or len(data)):
                raw.raw(data[at:at + (step or len(data))])
            return all(raw.message() == (PONG, b"payload-%d" % i) for i in range(10)) and clean_close(raw)
        suite.case(f"{number} ten pings{' byte by byte' if chop else ''}", ten)


def reserved_bits(suite):
    hello = frame(TEXT, b"Hello, world!")
    echo = (TEXT, b"Hello, world!")
    for n, rsv in enumerate((4, 2, 1, 6, 5, 3, 7), 1):
        suite.fails(f"3.{n} reserved bits {rsv:03b} on text", 1002, hello, frame(TEXT, b"x", rsv=rsv), before=[echo])
        suite.fails(f"3.{n}p reserved bits {rsv:03b} on a ping", 1002, frame(PING, b"x", rsv=rsv))
        suite.fails(f"3.{n}c reserved bits {rsv:03b} on a close", 1002, frame(CLOSE, b"", rsv=rsv))


def opcodes(suite):
    hello, echo = frame(TEXT, b"Hello, world!"), (TEXT, b"Hello, world!")
    for group, codes in (("4.1", range(3, 8)), ("4.2", range(11, 16))):
        for n, code in enumerate(codes, 1):
            suite.fails(f"{group}.{n} opcode {code}", 1002, frame(code))
            suite.fails(f"{group}.{n}b opcode {code} after a message", 1002, hello, frame(code, b"x"), before=[echo])


def fragments(suite):
    part = lambda op, data, fin=False: frame(op, data, fin=fin)  # noqa: E731
    suite.fails("5.1 a fragmented ping", 1002, part(PING, b"frag"), part(CONT, b"ment", True))
    suite.fails("5.2 a fragmented pong", 1002, part(PONG, b"frag"), part(CONT, b"ment", True))
    whole = (TEXT, b"fragment1fragment2")
    two = [part(TEXT, b"fragment1"), part(CONT, b"fragment2", True)]

    def gets(raw, data, expected, chop=None):
        for at in range(0, len(data), chop or len(data)):
            raw.raw(data[at:at + (chop or len(data))])
        for want in expected:
            got = raw.message()
            if got != want:
                return got
        return clean_close(raw)
    suite.case("5.3 two fragments", lambda raw: gets(raw, b"".join(two), [whole]))
    suite.case("5.4 two fragments, frame by frame", lambda raw: gets(raw, b"".join(two), [whole], 15))
    suite.case("5.5 two fragments, byte by byte", lambda raw: gets(raw, b"".join(two), [whole], 1))
    ping = frame(PING, b"ping")
    for n, chop in (("5.6", None), ("5.7", 7), ("5.8", 1)):
        suite.case(f"{n} a ping between fragments", lambda raw, step=chop: gets(
            raw, two[0] + ping + two[1], [(PONG, b"ping"), whole], step))
    nothing = part(CONT, b"to continue", True)
    suite.fails("5.9 a continuation of nothing", 1002, nothing, frame(TEXT, b"x"))
    suite.fails("5.10 the same, without what follows", 1002, nothing)
    suite.fails("5.11 a continuation with fin after a message", 1002, frame(TEXT, b"a"), nothing, before=[(TEXT, b"a")])
    suite.fails("5.12 a continuation of nothing without fin", 1002, part(CONT, b"x"), frame(TEXT, b"x"))
    suite.fails("5.13 the same alone", 1002, part(CONT, b"x"))
    suite.fails("5.14 the same after a message", 1002, frame(TEXT, b"a"), part(CONT, b"x"), before=[(TEXT, b"a")])
    suite.fails("5.15 a continuation after a whole message", 1002, *two, part(CONT, b"3"), frame(TEXT, b"4"),
                before=[whole])
    suite.fails("5.16 continuations of nothing, many", 1002, *[part(CONT, b"x"), part(TEXT, b"y")] * 2)
    suite.fails("5.17 the same with fin", 1002, *[part(CONT, b"x", True), part(TEXT, b"y")] * 2)
    suite.fails("5.18 a message inside a message", 1002, part(TEXT, b"a"), frame(TEXT, b"b"))
    five = [part(TEXT, b"1"), part(CONT, b"2"), frame(PING, b"p1"), part(CONT, b"3"), part(CONT, b"4"),
            frame(PING, b"p2"), part(CONT, b"5", True)]
    suite.case("5.19 five fragments with pings", lambda raw: gets(
        raw, b"".join(five), [(PONG, b"p1"), (PONG, b"p2"), (TEXT, b"12345")]))
    suite.case("5.20 the same, byte by byte", lambda raw: gets(
        raw, b"".join(five), [(PONG, b"p1"), (PONG, b"p2"), (TEXT, b"12345")], 1))
    suite.case("5.21 empty fragments", lambda raw: gets(
        raw, part(TEXT, b"") + part(CONT, b"") + part(CONT, b"", True), [(TEXT, b"")]))
    suite.case("5.22 an empty fragment between", lambda raw: gets(
        raw, part(BINARY, b"a") + part(CONT, b"") + part(CONT, b"b", True), [(BINARY, b"ab")]))


GOOD_TEXT = [
    "κόσμε", "Hello-µ@ßöäüàá-UTF-8!!", "\0", "\u0080", "\u0800", "\U00010000", "\x7f", "\u07ff", "\uffff",
    "\U0010ffff", "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\U0001fffe", "\U0002ffff", "\U0001f41d" * 100,
]
BAD_TEXT = [
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xf4\x90\x80\x80", b"\x80", b"\xbf",
    b"\x80\xbf", b"\x80\xbf\x80\xbf\x80\xbf", bytes(range(0x80, 0xC0)), b"\xc0 \xc1 ", b"\xe0 \xe1 \xef ",
    b"\xf0 \xf1 \xf7 ", b"\xc3", b"\xe0\xa0", b"\xf0\x90\x80", b"\xfe", b"\xff", b"\xfe\xfe\xff\xff", b"\xc0\xaf",
    b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xc0\x80",
    b"\xed\xa0\x80", b"\xed\xaf\xbf", b"\xed\xb0\x80", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80",
]


def utf8(suite):
    for n, text in enumerate(GOOD_TEXT, 1):
        data = text.encode()
        suite.echoes(f"6.good.{n}", data)
        if len(data) < 200:
            suite.echoes(f"6.good.{n} byte by byte", data, chop=1)

            def pieces(raw, octets=data):
                for at, byte in enumerate(octets):
                    raw.send(CONT if at else TEXT, bytes([byte]), fin=at == len(octets) - 1)
                return raw.message() == (TEXT, octets) and clean_close(raw)
            suite.case(f"6.good.{n} a fragment a byte", pieces)
    for n, data in enumerate(BAD_TEXT, 1):
        suite.fails(f"6.bad.{n}", 1007, frame(TEXT, data))
        if data[:1] != b"\xce":
            suite.fails(f"6.bad.{n} in two fragments", 1007, frame(TEXT, data[:1], fin=False),
                        frame(CONT, data[1:]))
    suite.fails("6.4.1 it fails before the message is complete", 1007,
                frame(TEXT, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80", fin=False))
    bad = b"\xce\xba\xf4\x90\x80\x80edited"
    suite.fails("6.4.3 it fails inside a frame", 1007, frame(TEXT, bad + b"x" * 1000)[:8 + len(bad)])
    suite.echoes("6.bin any bytes as binary", b"".join(BAD_TEXT), BINARY)


def closing(suite):
    hello, echo = frame(TEXT, b"Hello World!"), (TEXT, b"Hello World!")
    close = lambda code, why=b"": frame(CLOSE, struct.pack(">H", code) + why)  # noqa: E731
    suite.fails("7.1.1 a message, then close", 1000, hello, close(1000), before=[echo])
    suite.fails("7.1.2 two Close frames", 1000, close(1000), close(1000))
    suite.fails("7.1.3 a ping after the Close frame", 1000, close(1000), frame(PING))
    suite.fails("7.1.4 text after the Close frame", 1000, close(1000), frame(TEXT, b"x"))
    suite.fails("7.1.5 a Close frame inside a message", 1000, frame(TEXT, b"a", fin=False), close(1000),
                frame(CONT, b"b"))
    big = b"BAsd7&jh23" * 26 * 1024
    suite.fails("7.1.6 256 KB, then text, close and a ping", 1000, frame(TEXT, big), hello, close(1000), frame(PING),
                before=[(TEXT, big), echo])
    suite.fails("7.3.1 an empty Close frame", None, frame(CLOSE))
    suite.fails("7.3.2 half a code", 1002, frame(CLOSE, b"a"))
    suite.fails("7.3.3 a code alone", 1000, close(1000))
    suite.fails("7.3.4 a code and a reason", 1000, close(1000, b"Hello World!"))
    suite.fails("7.3.5 a reason of 123 bytes", 1000, close(1000, b"*" * 123))
    suite.fails("7.3.6 a reason of 124 bytes", 1002, close(1000, b"*" * 124))
    suite.fails("7.5.1 a reason that is no UTF-8", 1007, close(1000, b"\xce\xba\xed\xa0\x80edited"))
    for n, code in enumerate((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999), 1):
        suite.fails(f"7.7.{n} close with {code}", code, close(code))
    for n, code in enumerate((0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535), 1):
        suite.fails(f"7.9.{n} close with {code}", 1002, close(code))


def masking(suite):
    suite.fails("5.1m a frame without a mask", 1002, frame(TEXT, b"x", mask=False))
    suite.fails("5.2m a ping without a mask", 1002, frame(PING, b"", mask=False))
    suite.fails("5.3m 125 bytes with a length of 16 bits", 1002, frame(TEXT, b"x" * 125, length_form=126))
    suite.fails("5.4m 65,535 bytes with a length of 64 bits", 1002, frame(TEXT, b"x" * 65535, length_form=127))
    suite.fails("5.5m a length with its highest bit", 1002, b"\x82\xff\x80" + b"\0" * 7 + b"mask")
    suite.fails("5.6m a length above the limit, without its bytes", 1009, b"\x82\xff" + struct.pack(">Q", 1 << 40)
                + b"mask")


def sizes(suite):
    for n, size in enumerate((64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, 16 << 20), 1):
        suite.echoes(f"9.1.{n} text of {size >> 10} KiB", b"*" * size)
        suite.echoes(f"9.2.{n} binary of {size >> 10} KiB", b"\0\xff" * (size // 2), BINARY)
    for n, step in enumerate((64, 256, 1024, 4096, 16384, 65536, 262144, 1048576), 1):
        def cut(raw, piece=step):
            data = os.urandom(1 << 20)
            pieces = [data[at:at + piece] for at in range(0, len(data), piece)]
            raw.raw(b"".join(frame(CONT if i else BINARY, part, fin=i == len(pieces) - 1)
                             for i, part in enumerate(pieces)))
            return raw.message() == (BINARY, data) and clean_close(raw)
        suite.case(f"9.3.{n} 1 MiB in fragments of {step}", cut)
    for n, step in enumerate((997, 4001, 65537), 1):
        suite.echoes(f"9.5.{n} 512 KiB in pieces of {step}", b"*" * (512 << 10), chop=step)
    for n, size in enumerate((0, 16, 64, 256, 1024, 4096), 1):
        def many(raw, length=size):
            for batch in range(10):
                data = [bytes([65 + (batch + i) % 26]) * length for i in range(100)]
                raw.raw(b"".join(frame(TEXT, part) for part in data))
                if any(raw.message() != (TEXT, part) for part in data):
                    return False
            return clean_close(raw)
        suite.case(f"9.7.{n} 1,000 messages of {size}", many)
    suite.echoes("9.9.1 32 MiB, which is the most", b"x" * (32 << 20), BINARY)
    suite.fails("9.9.2 a byte more", 1009, frame(BINARY, b"x" * ((32 << 20) + 1)))
    half = b"x" * (17 << 20)
    suite.fails("9.9.3 more in two fragments", 1009, frame(BINARY, half, fin=False), frame(CONT, half))


def compression(suite):
    def agreed(raw):
        return raw.headers.get("sec-websocket-extensions", "")

    def echo(raw, data, opcode=TEXT, level=6):
        raw.send(opcode, deflated(data, level), rsv=4)
        return raw.message() == (opcode, data)
    suite.case("12.0 it is agreed on", lambda raw: agreed(raw).startswith("permessage-deflate"), extensions=DEFLATE)
    suite.case("12.0b not without an offer", lambda raw: agreed(raw) == "")
    words = b"All work and no play makes Jack a dull boy. "
    for n, size in enumerate((16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072), 1):
        def several(raw, length=size):
            data = (words * (length // len(words) + 1))[:length]
            return all(echo(raw, data[i:] + data[:i]) for i in range(20)) and clean_close(raw)
        suite.case(f"12.1.{n} 20 texts of {size}", several, extensions=DEFLATE)
        suite.case(f"12.2.{n} random bytes of {size}", lambda raw, length=size: echo(raw, os.urandom(length), BINARY)
                   and clean_close(raw), extensions=DEFLATE)
    for level in (0, 1, 9):
        suite.case(f"12.3.{level} deflate's level {level}", lambda raw, how=level: echo(raw, words * 500, TEXT, how),
                   extensions=DEFLATE)

    def in_fragments(raw):
        data = deflated(words * 1000)
        cut = [data[i:i + 100] for i in range(0, len(data), 100)]
        for i, piece in enumerate(cut):
            raw.send(CONT if i else TEXT, piece, fin=i == len(cut) - 1, rsv=0 if i else 4)
            raw.send(PING, b"between")
        messages = [raw.message() for _ in range(len(cut) + 1)]
        return (TEXT, words * 1000) in messages and messages.count((PONG, b"between")) == len(cut)
    suite.case("12.4 compressed in fragments, with pings", in_fragments, extensions=DEFLATE)
    suite.case("12.5 not every message need be compressed", lambda raw: raw.send(TEXT, b"plain") or (
        raw.message() == (TEXT, b"plain") and echo(raw, words * 9)), extensions=DEFLATE)
    suite.case("12.6 an empty one", lambda raw: raw.send(TEXT, b"\x00", rsv=4) or raw.message() == (TEXT, b""),
               extensions=DEFLATE)

    def answer_is_compressed(raw):
        raw.send(TEXT, deflated(words * 100), rsv=4)
        opcode, data, _, rsv = raw.frame()
        return opcode == TEXT and rsv == 4 and len(data) < 1000 and inflated(data) == words * 100
    suite.case("12.7 what comes back is compressed", answer_is_compressed, extensions=DEFLATE)

    def last_block(raw):
        import zlib
        squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
        raw.send(TEXT, squeeze.compress(words) + squeeze.flush(zlib.Z_FINISH) + b"\x00", rsv=4)
        return raw.message() == (TEXT, words)
    suite.case("12.8 a block that says it is the last", last_block, extensions=DEFLATE)
    offers = (
        ("permessage-deflate", True), ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate; client_max_window_bits=9", True), ("permessage-deflate; server_max_window_bits=9", True),
        ("permessage-deflate; server_max_window_bits=15", True), ("permessage-deflate; server_no_context_takeover", True),
        ("permessage-deflate; client_no_context_takeover", True),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", True),
        ("permessage-deflate; server_max_window_bits=8", False), ("permessage-deflate; server_max_window_bits=16", False),
        ("permessage-deflate; server_max_window_bits", False), ("permessage-deflate; unknown=1", False),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", False),
        ("x-webkit-deflate-frame", False), ("x-other; a=\"b,c\", permessage-deflate", True),
    )
    for n, (offer, good) in enumerate(offers, 1):
        def negotiated(raw, text=offer, yes=good):
            if agreed(raw).startswith("permessage-deflate") != yes:
                return agreed(raw)
            if "server_max_window_bits=9" in text and "server_max_window_bits=9" not in agreed(raw):
                return agreed(raw)
            return (echo(raw, words * 50) if yes else raw.send(TEXT, b"x") or raw.message() == (TEXT, b"x")) \
                and clean_close(raw)
        suite.case(f"13.{n} {offer}", negotiated, extensions=offer)

    def small_window(raw):
        import zlib
        data = os.urandom(600) * 40
        raw.send(BINARY, deflated(data), rsv=4)
        opcode, squeezed, _, rsv = raw.frame()
        if not rsv:
            return squeezed == data
        return zlib.decompressobj(-9).decompress(squeezed + b"\0\0\xff\xff") == data and opcode == BINARY
    suite.case("13.20 what comes back fits the window that was asked for", small_window,
               extensions="permessage-deflate; server_max_window_bits=9")
    suite.fails("13.21 not DEFLATE", 1007, frame(TEXT, b"\xff\xff\xff\xff", rsv=4), extensions=DEFLATE)
    suite.fails("13.22 no UTF-8 inside", 1007, frame(TEXT, deflated(b"\xff\xfe"), rsv=4), extensions=DEFLATE)
    suite.fails("13.23 the bit on a continuation", 1002, frame(TEXT, deflated(b"x"), fin=False, rsv=4),
                frame(CONT, b"", rsv=4), extensions=DEFLATE)
    suite.fails("13.24 the bit on a ping", 1002, frame(PING, b"", rsv=4), extensions=DEFLATE)
    bomb = deflated(b"\0" * (64 << 20), 9)
    suite.fails("13.25 a bomb: 64 MiB out of 64 KB", 1009, frame(BINARY, bomb, rsv=4), extensions=DEFLATE)


def handshakes(suite):
    def refused(name, status, **options):
        def act(raw):
            return True if raw.status == status else raw.status
        suite.case(name, act, **options)

    def sample(raw):
        return raw.status == 101 and raw.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" \
            and raw.headers["upgrade"].lower() == "websocket"
    suite.case("H.1 the key of RFC 6455, 1.3", sample, key="dGhlIHNhbXBsZSBub25jZQ==")
    refused("H.2 another version", 426, version="8")
    suite.case("H.3 which one would be right", lambda raw: raw.headers.get("sec-websocket-version") == "13",
               version="14")
    refused("H.4 a key that is too short", 400, key="c2hvcnQ=")
    refused("H.5 a key that is no base64", 400, key="!" * 24)
    suite.case("H.6 the subprotocol that the worker picks", lambda raw: raw.headers["sec-websocket-protocol"] == "chat",
               headers=["Sec-WebSocket-Protocol: chat, superchat"])


def main():
    with Folder() as folder:
        write(folder, "echo/index.js", ECHO)
        write(folder, "echo/wrangler.toml", 'name = "echo"\nmain = "index.js"\ncompatibility_date = "2026-08-04"\n')
        with serve(folder, [("echo", os.path.join(folder, "echo"), ["*/*"])]) as skep:
            suite = Suite(skep.port)
            for group in (framing, pings, reserved_bits, opcodes, fragments, utf8, closing, masking, sizes, compression,
                          handshakes):
                group(suite)
            check("the shard lived through it", skep.ask("/")[0] == 500)
    finish()


if __name__ == "__main__":
    main()
