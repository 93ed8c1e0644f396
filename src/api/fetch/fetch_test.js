import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

const used =
  "Body has already been used. It can only be used once. Use tee() first if you need to read " +
  "it twice.";

export const headers_basics = {
  test() {
    const headers = new Headers([["Content-Type", " text/html\t"], ["x-b", "1"]]);
    headers.append("X-B", "2");
    headers.append("A", "first");
    assert_equals(headers.get("content-TYPE"), "text/html");
    assert_equals(headers.get("x-b"), "1, 2");
    assert_equals(headers.get("none"), null);
    assert_equals(headers.has("X-b"), true);
    assert_equals([...headers], [["a", "first"], ["content-type", "text/html"], ["x-b", "1, 2"]]);
    headers.set("x-B", "3");
    assert_equals([...headers.values()], ["first", "text/html", "3"]);
    headers.delete("a");
    assert_equals([...headers.keys()], ["content-type", "x-b"]);
    const seen = [];
    headers.forEach((value, name, self) => seen.push(name + value + (self === headers)));
    assert_equals(seen, ["content-typetext/htmltrue", "x-b3true"]);
    assert_equals(String(headers), "[object Headers]");
    assert_equals(Object.prototype.toString.call(headers[Symbol.iterator]()),
      "[object Headers Iterator]");
  },
};

export const headers_cookies_stay_apart = {
  test() {
    const headers = new Headers();
    headers.append("Set-Cookie", "a=1");
    headers.append("set-cookie", "b=2");
    assert_equals(headers.getSetCookie(), ["a=1", "b=2"]);
    assert_equals(headers.getAll("Set-Cookie"), ["a=1", "b=2"]);
    assert_equals([...headers], [["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
    assert_throws(() => headers.getAll("a"), TypeError);
  },
};

export const headers_refuse_nonsense = {
  test() {
    for (const name of ["", "a b", "a\n", "é", "a:"]) {
      assert_throws(() => new Headers({ [name]: "1" }), TypeError);
      assert_throws(() => new Headers().get(name), TypeError);
    }
    for (const value of ["a\nb", "a\rb", "a\0b"]) {
      assert_throws(() => new Headers({ a: value }), TypeError);
    }
    assert_throws(() => new Headers([["a"]]), TypeError);
    assert_throws(() => new Headers("a"), TypeError);
    assert_throws(() => new Headers(null), TypeError);
    assert_throws(() => new Headers({ [Symbol("s")]: "a" }), TypeError);
    assert_throws(() => new Headers().append("a"), TypeError,
      "Failed to execute 'append' on 'Headers': 2 arguments required, but only 1 present.");
  },
};

export const headers_change_while_iterated = {
  test() {
    const headers = new Headers({ a: "1", b: "2", c: "3" });
    const seen = [];
    for (const [name] of headers) {
      seen.push(name);
      headers.delete("b");
    }
    assert_equals(seen, ["a", "c"]);
  },
};

export const request_from_string = {
  async test() {
    const request = new Request("http://a.test/x?y#z", { method: "post", body: "text",
      redirect: "manual" });
    assert_equals(request.method, "POST");
    assert_equals(request.url, "http://a.test/x?y#z");
    assert_equals(request.headers.get("content-type"), "text/plain;charset=UTF-8");
    assert_equals(request.redirect, "manual");
    assert_equals(request.bodyUsed, false);
    assert_equals(await request.text(), "text");
    assert_equals(request.bodyUsed, true);
    await assert_rejects(request.text(), TypeError, used);
    assert_equals(new Request("http://a.test").redirect, "follow");
    assert_equals(new Request(new URL("http://a.test")).url, "http://a.test/");
  },
};

export const request_from_request = {
  async test() {
    const first = new Request("http://a.test/", { method: "PUT", body: "b",
      headers: { "X-A": "1" } });
    const second = new Request(first, { headers: { "x-b": "2" } });
    assert_equals(first.bodyUsed, true);
    assert_equals(second.method, "PUT");
    assert_equals(second.headers.get("x-a"), null);
    assert_equals(second.headers.get("x-b"), "2");
    assert_equals(await second.text(), "b");
    assert_throws(() => new Request(first), TypeError, used);
    const third = first.headers.get("x-a");
    assert_equals(third, "1");
  },
};

export const request_refuses_nonsense = {
  test() {
    assert_throws(() => new Request("/relative"), TypeError, "Invalid URL");
    assert_throws(() => new Request("http://a", { body: "x" }), TypeError,
      "Request with a GET or HEAD method cannot have a body.");
    assert_throws(() => new Request("http://a", { method: "TRACE" }), TypeError);
    assert_throws(() => new Request("http://a", { method: "a b" }), TypeError);
    assert_throws(() => new Request("http://a", { redirect: "error" }), TypeError);
    assert_throws(() => new Request("http://a", { cache: "reload" }), TypeError,
      "Unsupported cache mode: reload");
    assert_equals(new Request("http://a", { cache: "no-store" }).cache, "no-store");
    assert_throws(() => new Request("http://a", { signal: {} }), TypeError);
    assert_throws(() => new Request(), TypeError);
  },
};

export const request_clone = {
  async test() {
    const request = new Request("http://a.test/", { method: "POST", body: "abc" });
    const copy = request.clone();
    assert_equals([await request.text(), await copy.text()], ["abc", "abc"]);
    assert_throws(() => request.clone(), TypeError, used);
    assert_equals(copy.method, "POST");
  },
};

export const response_basics = {
  async test() {
    const response = new Response("text", { status: 201, statusText: "Made", headers: { a: "b" } });
    assert_equals([response.status, response.statusText, response.ok, response.type,
      response.redirected],
      [201, "Made", true, "default", false]);
    assert_equals(response.headers.get("content-type"), "text/plain;charset=UTF-8");
    assert_equals(await response.text(), "text");
    assert_equals(new Response("x",
      { headers: { "Content-Type": "a/b" } }).headers.get("content-type"), "a/b");
    assert_equals(new Response(new Uint8Array(1)).headers.get("content-type"), null);
    assert_equals(new Response(new URLSearchParams("a=b")).headers.get("content-type"),
      "application/x-www-form-urlencoded;charset=UTF-8");
    assert_equals(new Response().body, null);
    assert_equals(await new Response().text(), "");
    assert_equals(new Response(null, { status: 204 }).status, 204);
    assert_equals(await new Response(12).text(), "12");
  },
};

export const response_refuses_nonsense = {
  test() {
    for (const status of [199, 600, 0, 101]) {
      assert_throws(() => new Response("", { status }), RangeError,
        "Responses may only be constructed with status codes in the range 200 to 599, inclusive.");
    }
    for (const status of [204, 205, 304]) {
      assert_throws(() => new Response("x", { status }), TypeError);
    }
    assert_throws(() => new Response("", { statusText: "a\nb" }), TypeError);
  },
};

export const response_statics = {
  async test() {
    const json = Response.json({ a: [1, null] }, { status: 202 });
    assert_equals(json.headers.get("content-type"), "application/json");
    assert_equals(json.status, 202);
    assert_equals(await json.text(), "{\"a\":[1,null]}");
    assert_equals(Response.json(1,
      { headers: { "content-type": "a/b" } }).headers.get("content-type"), "a/b");
    assert_throws(() => Response.json(undefined), TypeError);
    const redirect = Response.redirect("http://a.test/b", 301);
    assert_equals([redirect.status, redirect.headers.get("location")], [301, "http://a.test/b"]);
    assert_throws(() => redirect.headers.set("a", "b"), TypeError,
      "Can't modify immutable headers.");
    assert_throws(() => Response.redirect("/b"), TypeError);
    assert_throws(() => Response.redirect("http://a.test/", 200), RangeError);
    const error = Response.error();
    assert_equals([error.type, error.status], ["error", 0]);
  },
};

export const response_from_response = {
  async test() {
    const first = Response.redirect("http://a.test/");
    const second = new Response(first.body, first);
    assert_equals(second.status, 302);
    second.headers.set("x", "y");
    assert_equals(second.headers.get("location"), "http://a.test/");
  },
};

export const body_readers = {
  async test() {
    const make = () => new Response("{\"a\":\"é\"}");
    assert_equals(await make().json(), { a: "é" });
    assert_equals((await make().arrayBuffer()).byteLength, 10);
    assert_equals(await make().bytes(), new Uint8Array([123, 34, 97, 34, 58, 34, 195, 169, 34,
      125]));
    const blob = await make().blob();
    assert_equals([blob.size, blob.type], [10, "text/plain;charset=UTF-8"]);
    await assert_rejects(new Response("{").json(), SyntaxError);
    const view = new Uint8Array([1, 2, 3]).subarray(1);
    assert_equals(await new Response(view).bytes(), new Uint8Array([2, 3]));
    assert_equals(await new Response(new DataView(view.buffer, 2)).bytes(), new Uint8Array([3]));
  },
};

export const body_bytes_are_copied = {
  async test() {
    const bytes = new Uint8Array([1, 2]);
    const response = new Response(bytes);
    bytes[0] = 9;
    const copy = response.clone();
    const got = await response.bytes();
    assert_equals(got, new Uint8Array([1, 2]));
    got[0] = 7;
    assert_equals(await copy.bytes(), new Uint8Array([1, 2]));
  },
};

export const body_streams = {
  async test() {
    const response = new Response(new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("one "));
        controller.enqueue(new TextEncoder().encode("two"));
        controller.close();
      },
    }));
    const copy = response.clone();
    assert_equals(await response.text(), "one two");
    assert_equals(response.bodyUsed, true);
    assert_equals(await copy.text(), "one two");
    const reader = new Response("abc").body.getReader();
    assert_equals((await reader.read()).value, new Uint8Array([97, 98, 99]));
    assert_equals((await reader.read()).done, true);
    const locked = new Response("x");
    locked.body.getReader();
    await assert_rejects(locked.text(), TypeError, used);
    await assert_rejects(new Response(new ReadableStream({
      start(controller) {
        controller.enqueue("text");
        controller.close();
      },
    })).text(), TypeError);
  },
};

export const body_from_iterables = {
  async test() {
    async function* parts() {
      yield new TextEncoder().encode("a");
      yield new TextEncoder().encode("b");
    }
    assert_equals(await new Response(parts()).text(), "ab");
  },
};

export const body_form_data = {
  async test() {
    const form = new FormData();
    form.append("a", "é");
    form.append("file", new File(["content"], "f.txt", { type: "text/plain" }));
    const back = await new Response(form).formData();
    assert_equals(back.get("a"), "é");
    assert_equals([back.get("file").name, await back.get("file").text()], ["f.txt", "content"]);
    const url = await new Response(new URLSearchParams({ a: "1 2" })).formData();
    assert_equals(url.get("a"), "1 2");
    await assert_rejects(new Response(new Uint8Array(1)).formData(), TypeError,
      "Parsing a Body as FormData requires a Content-Type header.");
  },
};

export const fetch_says_what_is_wrong = {
  async test() {
    await assert_rejects(fetch("http://a.test/"), Error,
      "This worker is not permitted to access the internet.");
    await assert_rejects(fetch("ftp://a.test/"), TypeError, "Fetch API cannot load: ftp://a.test/");
    await assert_rejects(fetch("http://a.test/", { signal: AbortSignal.abort("why") })
      .catch((reason) => { throw new Error(reason); }), Error, "why");
    const used = new Request("http://a.test/", { method: "POST", body: "x" });
    await used.text();
    await assert_rejects(fetch(used), TypeError);
    await assert_rejects(fetch("nonsense"), TypeError, "Invalid URL");
    assert_equals(typeof caches, "undefined");
    assert_equals(typeof WebSocketPair, "function");
  },
};

export const shapes_as_web_idl_says = {
  test() {
    for (const [name, length] of [["Headers", 0], ["Request", 1], ["Response", 0], ["URL", 1],
      ["URLSearchParams", 0]]) {
      const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
      assert_equals([descriptor.enumerable, descriptor.writable, descriptor.configurable],
        [false, true, true], name);
      assert_equals(globalThis[name].length, length, name);
      assert_equals(globalThis[name].name, name);
      assert_equals(Object.prototype.toString.call(globalThis[name].prototype), `[object ${name}]`);
    }
    assert(Object.getOwnPropertyDescriptor(Headers.prototype, "get").enumerable);
    assert(Object.getOwnPropertyDescriptor(Response.prototype, "status").enumerable);
    assert_equals(Headers.prototype.append.length, 2);
    assert_equals(Response.redirect.length, 1);
    assert_throws(() => Response(), TypeError);
  },
};

export const data_urls = {
  async test() {
    const plain = await fetch("data:,a%20b");
    assert_equals([plain.status, plain.url, plain.headers.get("content-type"), await plain.text()],
      [200, "data:,a%20b", "text/plain;charset=US-ASCII", "a b"]);
    const coded = await fetch("data:text/HTML;charset=x ;base64,PGI+#hash");
    assert_equals([coded.headers.get("content-type"), await coded.text()], ["text/html;charset=x", "<b>"]);
    assert_equals(await (await fetch("data:,a", { method: "HEAD" })).text(), "");
    for (const bad of ["data:text/plain", "data:;base64,a"]) await assert_rejects(fetch(bad), TypeError);
  },
};

export const types_of_blobs = {
  async test() {
    const type_of = async (type) =>
      (await new Response("x", { headers: { "content-type": type } }).blob()).type;
    assert_equals(await type_of("TEXT/plain; Charset=\"a b\""), "text/plain;charset=\"a b\"");
    assert_equals(await type_of("text/plain, nonsense, text/html;charset=gbk"), "text/html;charset=gbk");
    assert_equals(await type_of("nonsense"), "");
  },
};

export const a_clone_has_chunks_of_its_own = {
  async test() {
    const chunk = { list: [1] };
    const stream = new ReadableStream({ start(c) { c.enqueue(chunk); c.close(); } });
    const copy = new Response(stream).clone();
    const { value } = await copy.body.getReader().read();
    assert_equals(value, chunk);
    assert(value !== chunk);
  },
};

export const operations_of_others_reject = {
  async test() {
    for (const object of [Request, Response, Blob]) {
      for (const self of [undefined, null, {}]) {
        await assert_rejects(object.prototype.text.call(self), TypeError);
      }
    }
  },
};
