import { assert, assert_equals, assert_throws } from "../testing/assert.js";

const parts = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port",
  "pathname",
  "search", "hash"];
const of = (url) => parts.map((part) => url[part]).join(" | ");

export const parts_of_urls = {
  test() {
    const cases = {
      "http://u:p@h.test:81/p/q?a=1#f":
        "http://u:p@h.test:81/p/q?a=1#f | http://h.test:81 | http: | u | p | h.test:81 | " +
        "h.test | 81 | /p/q | ?a=1 | #f",
      "https://EXAMPLE.com:443/../a b?":
        "https://example.com/a%20b? | https://example.com | https: |  |  | example.com | " +
        "example.com |  | /a%20b |  | ",
      "mailto:x@y": "mailto:x@y | null | mailto: |  |  |  |  |  | x@y |  | ",
      "http://[::1]:8080/":
        "http://[::1]:8080/ | http://[::1]:8080 | http: |  |  | [::1]:8080 | " +
        "[::1] | 8080 | / |  | ",
      "http://u@h/": "http://u@h/ | http://h | http: | u |  | h | h |  | / |  | ",
      "http://:p@h/": "http://:p@h/ | http://h | http: |  | p | h | h |  | / |  | ",
      "file:///a/b": "file:///a/b | null | file: |  |  |  |  |  | /a/b |  | ",
      "web+demo:/.//not-a-host/": "web+demo:/.//not-a-host/ | null | web+demo: |  |  |  |  |  | " +
        "//not-a-host/ |  | ",
      "http://münchen.de/ü#":
        "http://xn--mnchen-3ya.de/%C3%BC# | http://xn--mnchen-3ya.de | http: |  |  | " +
        "xn--mnchen-3ya.de | xn--mnchen-3ya.de |  | /%C3%BC |  | ",
    };
    for (const [input, expected] of Object.entries(cases)) assert_equals(of(new URL(input)),
      expected);
  },
};

export const bases = {
  test() {
    assert_equals(new URL("../c?d", "http://h/a/b/x").href, "http://h/a/c?d");
    assert_equals(URL.canParse("x", "http://h/"), true);
    assert_equals(URL.canParse("x"), false);
    assert_equals(URL.parse("x"), null);
    assert_equals(URL.parse("x", "http://h/").href, "http://h/x");
    assert_throws(() => new URL("x"), TypeError, "Invalid URL");
    assert_throws(() => new URL("x", "y"), TypeError, "Invalid URL");
    assert_throws(() => new URL(), TypeError);
    assert_equals(JSON.stringify({ u: new URL("http://h") }), "{\"u\":\"http://h/\"}");
    assert_equals(`${new URL("http://h")}`, "http://h/");
  },
};

export const setters = {
  test() {
    const url = new URL("http://h/p");
    url.protocol = "https";
    url.host = "x.test:8443";
    url.username = "me";
    url.password = "s:";
    url.pathname = "a b";
    url.search = "q=ü";
    url.hash = "z";
    assert_equals(url.href, "https://me:s%3A@x.test:8443/a%20b?q=%C3%BC#z");
    url.port = "";
    url.hostname = "y";
    url.hash = "";
    url.search = "";
    assert_equals(url.href, "https://me:s%3A@y/a%20b");
    url.port = "nonsense";
    url.host = "";
    assert_equals(url.host, "y");
    url.href = "http://new/";
    assert_equals(url.href, "http://new/");
    assert_throws(() => { url.href = "nonsense"; }, TypeError, "Invalid URL");
  },
};

export const params_follow_their_url = {
  test() {
    const url = new URL("http://h/?a=1&b=2#f");
    const params = url.searchParams;
    assert(params === url.searchParams);
    params.append("c", "ü &");
    assert_equals(url.search, "?a=1&b=2&c=%C3%BC+%26");
    params.delete("a");
    params.set("b", "3");
    assert_equals(url.href, "http://h/?b=3&c=%C3%BC+%26#f");
    url.search = "?x=y";
    assert_equals([...params], [["x", "y"]]);
    params.delete("x");
    assert_equals(url.href, "http://h/#f");
    url.href = "http://h/?n=m";
    assert_equals(params.get("n"), "m");
  },
};

export const params_alone = {
  test() {
    const params = new URLSearchParams("?a=1&a=2&b=%20+&c");
    assert_equals(params.getAll("a"), ["1", "2"]);
    assert_equals([params.get("b"), params.get("c"), params.get("d")], ["  ", "", null]);
    assert_equals([params.has("a", "2"), params.has("a", "3"), params.size], [true, false, 4]);
    assert_equals(params.toString(), "a=1&a=2&b=++&c=");
    params.delete("a", "1");
    assert_equals(params.get("a"), "2");
    assert_equals(new URLSearchParams({ x: "1", y: "2" }).toString(), "x=1&y=2");
    assert_equals(new URLSearchParams([["x", "1"], ["x", "2"]]).toString(), "x=1&x=2");
    assert_equals(new URLSearchParams(new Map([["k", "v"]])).toString(), "k=v");
    assert_equals(new URLSearchParams(params).toString(), params.toString());
    assert_throws(() => new URLSearchParams([["x"]]), TypeError);
    const sorted = new URLSearchParams("z=1&a=1&z=0&b=1&a=0");
    sorted.sort();
    assert_equals(sorted.toString(), "a=1&a=0&b=1&z=1&z=0");
    const seen = [];
    sorted.forEach((value, name) => seen.push(name + value));
    assert_equals(seen.join(), "a1,a0,b1,z1,z0");
    assert_equals(Object.prototype.toString.call(sorted.entries()),
      "[object URLSearchParams Iterator]");
  },
};
