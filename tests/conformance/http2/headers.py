"""RFC 9113 section 8 (what a request and a response may look like) and RFC 7541."""

import json

from frames import (COMPRESSION_ERROR, DATA, END_HEADERS, END_STREAM, HEADER_TABLE_SIZE, HEADERS, SETTINGS, ACK, Client,
                    Failed, settings)

CASES = []


def case(name):
    def add(function):
        CASES.append((name, function))
        return function
    return add


def malformed(name, **request):
    """A case: such a request is malformed (8.1.1), and the connection goes on."""
    def run(port):
        with Client(port) as client:
            client.malformed(client.request(**request))
            client.works()
    CASES.append((name, run))


malformed("8.2.1 a name in upper case", more=[("X-Upper", "a")])
malformed("8.2.1 a name with a space", more=[("x y", "a")])
malformed("8.2.1 a name with a colon inside", more=[("x:y", "a")])
malformed("8.2.1 an empty name", more=[("", "a")])
malformed("8.2.1 a value with a line feed", more=[("x", "a\nb: c")])
malformed("8.2.1 a value with a NUL", more=[("x", "a\0b")])
malformed("8.2.1 a value that begins with a space", more=[("x", " a")])
malformed("8.2.2 connection", more=[("connection", "close")])
malformed("8.2.2 keep-alive", more=[("keep-alive", "1")])
malformed("8.2.2 proxy-connection", more=[("proxy-connection", "close")])
malformed("8.2.2 transfer-encoding", more=[("transfer-encoding", "chunked")])
malformed("8.2.2 upgrade", more=[("upgrade", "websocket")])
malformed("8.2.2 te other than trailers", more=[("te", "gzip")])
malformed("8.3 an unknown pseudo-header", more=[(":x", "a")])
malformed("8.3 a response's pseudo-header", more=[(":status", "200")])
malformed("8.3 a pseudo-header after a field", without=(":path",), more=[("x", "a"), (":path", "/")])
malformed("8.3 a pseudo-header twice", more=[(":path", "/")])
malformed("8.3.1 without :method", without=(":method",))
malformed("8.3.1 without :scheme", without=(":scheme",))
malformed("8.3.1 without :path", without=(":path",))
malformed("8.3.1 an empty :path", replace={":path": ""})
malformed("8.3.1 a :path that does not begin with a slash", replace={":path": "x"})
malformed("8.3.1 :path * without OPTIONS", replace={":path": "*"})
malformed("8.3.1 a :path with a space", replace={":path": "/a b"})
malformed("8.3.1 a :path with a control character", replace={":path": "/a\x01"})
malformed("8.3.1 :authority with user information", replace={":authority": "a@h2.test"})
malformed("8.3.1 neither :authority nor host", without=(":authority",))
malformed("8.3.1 :authority and another host", more=[("host", "other.test")])
malformed("8.1.1 a content-length that is no number", more=[("content-length", "x")])
malformed("8.1.1 a content-length without a body", more=[("content-length", "5")])
malformed("8.5 CONNECT without :protocol", method="CONNECT", without=(":path", ":scheme"))


@case("8.2.2 te: trailers")
def te_trailers(port):
    with Client(port) as client:
        assert client.response(client.request(more=[("te", "trailers")]))[0] == 200


@case("8.3.1 host without :authority")
def host_only(port):
    with Client(port) as client:
        body = client.response(client.request("/url", without=(":authority",), more=[("host", "h2.test")]))[2]
        assert body == b"GET http://h2.test/url", body


@case("8.2.3 cookies in pieces are one field")
def cookies(port):
    with Client(port) as client:
        more = [("cookie", "a=1"), ("x-a", "b"), ("cookie", "c=2")]
        fields = dict(json.loads(client.response(client.request("/headers", more=more))[2]))
        assert fields["cookie"] == "a=1; c=2", fields
        assert fields["host"] == "h2.test", fields


@case("8.1 trailers are tolerated")
def trailers(port):
    with Client(port) as client:
        stream = client.request("/echo", "POST", end=False)
        client.send(DATA, 0, stream, b"body")
        client.send(HEADERS, END_HEADERS | END_STREAM, stream, client.block([("x-sum", "1")]))
        answer = client.response(stream)
        assert answer[2] == b"body", answer


@case("8.1 trailers without END_STREAM")
def trailers_without_end(port):
    with Client(port) as client:
        stream = client.request("/echo", "POST", end=False)
        client.send(DATA, 0, stream, b"body")
        client.send(HEADERS, END_HEADERS, stream, client.block([("x-sum", "1")]))
        client.malformed(stream)


@case("8.1 a pseudo-header in trailers")
def pseudo_trailers(port):
    with Client(port) as client:
        stream = client.request("/echo", "POST", end=False)
        client.send(HEADERS, END_HEADERS | END_STREAM, stream, client.block([(":path", "/x")]))
        client.malformed(stream)


@case("8.1.1 a body shorter than its content-length")
def short_body(port):
    with Client(port) as client:
        stream = client.request("/echo", "POST", [("content-length", "5")], end=False)
        client.send(DATA, END_STREAM, stream, b"1234")
        client.malformed(stream)
        client.works()


@case("8.1.1 a body longer than its content-length")
def long_body(port):
    with Client(port) as client:
        stream = client.request("/echo", "POST", [("content-length", "5")], end=False)
        client.send(DATA, 0, stream, b"123456")
        client.malformed(stream)
        client.works()


@case("8.1 a response: lower-case names, date, no connection-specific fields")
def response_fields(port):
    with Client(port) as client:
        status, fields, body = client.response(client.request("/hop"))
        assert (status, body) == (200, b"x")
        assert fields["x-upper"] == "kept" and "date" in fields and fields["content-length"] == "1", fields
        for name in ("connection", "keep-alive", "transfer-encoding", "upgrade"):
            assert name not in fields, fields


@case("8.1 HEAD, 204 and 304 have no body")
def bodiless(port):
    with Client(port) as client:
        status, fields, body = client.response(client.request(method="HEAD"))
        assert (status, body, fields.get("content-length")) == (200, b"", "5"), (status, fields)
        for status in (204, 304):
            got = client.response(client.request(f"/{status}"))
            assert got[0] == status and got[2] == b"", got


@case("8.1 Expect: 100-continue")
def expect(port):
    with Client(port) as client:
        more = [("expect", "100-continue"), ("content-length", "4")]
        stream = client.request("/echo", "POST", more, end=False)
        got = client.read_until(lambda f: f.kind == HEADERS, "HEADERS")
        assert dict(client.decoder.decode(got.payload))[":status"] == "100" and not got.flags & END_STREAM
        client.send(DATA, END_STREAM, stream, b"body")
        assert client.response(stream)[2] == b"body"


@case("10.5.1 headers larger than announced: 431")
def too_large(port):
    with Client(port) as client:
        stream = client.request(more=[(f"x-{i}", "v") for i in range(400)])
        assert client.response(stream)[0] == 431
        client.works()


# ---- RFC 7541
@case("7541 2.3.3 an index of no entry")
def no_entry(port):
    with Client(port) as client:
        client.send(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x84\x86\xff\x00")
        client.goes_away(COMPRESSION_ERROR)


@case("7541 6.1 index 0")
def index_zero(port):
    with Client(port) as client:
        client.send(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x84\x86\x80")
        client.goes_away(COMPRESSION_ERROR)


@case("7541 5.2 Huffman padding of more than 7 bits")
def long_padding(port):
    with Client(port) as client:
        client.send(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x84\x86\x00\x82\xff\xff\x01x")
        client.goes_away(COMPRESSION_ERROR)


@case("7541 5.1 an integer without end")
def endless_integer(port):
    with Client(port) as client:
        client.send(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x84\x86\x7f" + b"\xff" * 20)
        client.goes_away(COMPRESSION_ERROR)


@case("7541 4.2, 6.3 a table size above ours")
def table_size(port):
    with Client(port) as client:
        client.send(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xff\xff\x7f\x82\x84\x86")
        client.goes_away(COMPRESSION_ERROR)


@case("7541 4.2 a table size update after a field")
def late_update(port):
    with Client(port) as client:
        client.send(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x20\x84\x86")
        client.goes_away(COMPRESSION_ERROR)


@case("7541 2.3.2 the dynamic table is kept between requests")
def dynamic_table(port):
    with Client(port) as client:
        for _ in range(3):
            more = [("x-long", "v" * 100), ("x-other", "w" * 100)]
            fields = dict(json.loads(client.response(client.request("/headers", more=more))[2]))
            assert fields["x-long"] == "v" * 100 and fields["x-other"] == "w" * 100


@case("7541 4.2 our encoder heeds a table of size 0")
def no_table(port):
    with Client(port) as client:
        client.send(SETTINGS, 0, 0, settings((HEADER_TABLE_SIZE, 0)))
        client.decoder.max_allowed_table_size = 0
        client.read_until(lambda f: f.kind == SETTINGS and f.flags & ACK, "SETTINGS ACK")
        for _ in range(3):
            status, fields, _ = client.response(client.request("/hop"))
            if status != 200 or fields["x-upper"] != "kept":
                raise Failed(fields)
