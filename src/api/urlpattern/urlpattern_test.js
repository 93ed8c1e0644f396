import { assert, assert_equals, assert_throws } from "../testing/assert.js";

const parts = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];
const show = (pattern) => parts.map((name) => pattern[name]);

export const constructor_strings = {
  test() {
    assert_equals(show(new URLPattern("https://*.example.com/books/:id\\?*#top")),
      ["https", "*", "*", "*.example.com", "", "/books/:id", "*", "top"]);
    assert_equals(show(new URLPattern("/a/*", "http://b.test:8080/x?q")),
      ["http", "*", "*", "b.test", "8080", "/a/*", "*", "*"]);
    assert_equals(show(new URLPattern("data\\:foo*")),
      ["data", "*", "*", "", "", "foo*", "*", "*"]);
    assert_equals(show(new URLPattern()), parts.map(() => "*"));
    assert_equals(new URLPattern("https://[\\:\\:1]/").hostname, "[\\:\\:1]");
    assert_throws(() => new URLPattern("/relative"), TypeError);
    assert_throws(() => new URLPattern({ pathname: "/:a/:a" }), TypeError);
    assert_throws(() => new URLPattern({ pathname: "/(" }), TypeError);
    assert_throws(() => new URLPattern({ hostname: "bad host" }), TypeError);
    assert_throws(() => new URLPattern({ port: "65536" }), TypeError);
    assert_throws(() => new URLPattern({}, "http://a/"), TypeError);
  },
};

export const matching = {
  test() {
    const pattern = new URLPattern({ pathname: "/books/:id(\\d+)/*" });
    assert(pattern.test("https://a.test/books/12/x/y"));
    assert(!pattern.test("https://a.test/books/twelve/x"));
    assert(!pattern.test("not a URL"));
    const result = pattern.exec("https://a.test:99/books/12/x/y?q=1#h");
    assert_equals(result.pathname, { input: "/books/12/x/y", groups: { id: "12", 0: "x/y" } });
    assert_equals([result.port.input, result.search.input, result.hash.input], ["99", "q=1", "h"]);
    assert_equals(result.inputs, ["https://a.test:99/books/12/x/y?q=1#h"]);
    const optional = new URLPattern({ pathname: "/a{/:b}?" });
    assert_equals(optional.exec({ pathname: "/a" }).pathname.groups, { b: undefined });
    assert_equals(optional.exec({ pathname: "/a/c" }).pathname.groups, { b: "c" });
    assert_equals(new URLPattern({ pathname: "/:__proto__" }).exec({ pathname: "/x" }).pathname.groups.__proto__,
      "x");
    assert_equals(new URLPattern("/x", "http://a.test").exec("x", "http://a.test/y").inputs,
      ["x", "http://a.test/y"]);
  },
};

export const cases_and_groups = {
  test() {
    assert(new URLPattern({ pathname: "/Foo" }, { ignoreCase: true }).test({ pathname: "/fOO" }));
    assert(!new URLPattern({ pathname: "/Foo" }).test({ pathname: "/fOO" }));
    assert(new URLPattern("/foo", "http://a.test", { ignoreCase: true }).test("http://a.test/FOO"));
    assert_equals(new URLPattern({ pathname: "/:a/*" }).hasRegExpGroups, false);
    assert_equals(new URLPattern({ pathname: "/:a([a-z]+)" }).hasRegExpGroups, true);
  },
};

export const canonical_text = {
  test() {
    assert_equals(new URLPattern({ pathname: "/caf\u00e9" }).pathname, "/caf%C3%A9");
    assert_equals(new URLPattern({ hostname: "caf\u00e9.test" }).hostname, "xn--caf-dma.test");
    assert_equals(new URLPattern({ protocol: "http", port: "80" }).port, "");
    assert_equals(new URLPattern({ pathname: "/{a}:b{c}" }).pathname, "/a{:b}c");
    assert_equals(new URLPattern({ protocol: "data", pathname: "text/plain, *" }).pathname, "text/plain, *");
  },
};

export const comparisons = {
  test() {
    const compare = (a, b) =>
      URLPattern.compareComponent("pathname", new URLPattern({ pathname: a }), new URLPattern({ pathname: b }));
    assert_equals([compare("/a", "/a"), compare("/a", "/:a"), compare("/*", "/:a"), compare("/a", "/b")],
      [0, 1, -1, -1]);
    assert_throws(() => URLPattern.compareComponent("path", new URLPattern(), new URLPattern()), TypeError);
    assert_throws(() => URLPattern.compareComponent("hash", {}, {}), TypeError);
  },
};
