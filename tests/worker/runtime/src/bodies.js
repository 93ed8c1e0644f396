import { check, refused, same } from "./check.js";

export const a_response_of_each_kind = {
  async test() {
    const bytes = new Uint8Array([104, 105]);
    for (const body of ["hi", bytes, bytes.buffer, new DataView(bytes.buffer), new Blob(["h", "i"]),
                        new Response("hi").body]) {
      same(await new Response(body).text(), "hi");
    }
    same(await new Response(new URLSearchParams({ a: "1 2" })).text(), "a=1+2");
    same(await new Response(null).text(), "");
    same(await Response.json({ a: [1] }).json(), { a: [1] });
    same(Response.redirect("https://a.example/x", 301).headers.get("location"), "https://a.example/x");
    same([Response.error().type, Response.error().status], ["error", 0]);
    await refused(() => new Response("x", { status: 204 }), "TypeError");
    await refused(() => new Response("x", { status: 99 }), "RangeError");
  },
};

export const a_body_is_used_once = {
  async test() {
    const response = new Response("once");
    const copy = response.clone();
    same(await response.text(), "once");
    check(response.bodyUsed && !copy.bodyUsed);
    await refused(() => response.text(), "TypeError", "Body has already been used");
    same(new TextDecoder().decode(await copy.bytes()), "once");
    await refused(() => response.clone(), "TypeError");
  },
};

export const requests = {
  async test() {
    const request = new Request("http://a.example/p?q#f", {
      method: "post", headers: { "X-Two": "b", "x-one": "a" }, body: JSON.stringify({ n: 1 }) });
    same([request.method, request.url], ["POST", "http://a.example/p?q#f"]);
    same([...request.headers], [["content-type", "text/plain;charset=UTF-8"], ["x-one", "a"], ["x-two", "b"]]);
    const changed = new Request(request, { headers: { a: "b" } });
    same(await changed.json(), { n: 1 });
    check(request.bodyUsed, "the body has moved to the new request");
    await refused(() => new Request("http://a.example", { method: "GET", body: "x" }), "TypeError");
    await refused(() => new Request("/relative"), "TypeError", "Invalid URL");
  },
};

export const headers = {
  async test() {
    const list = new Headers([["Set-Cookie", "a=1"], ["set-cookie", "b=2"], ["Vary", "x"]]);
    list.append("vary", "y");
    same(list.get("VARY"), "x, y");
    same(list.getSetCookie(), ["a=1", "b=2"]);
    same([...list.keys()], ["set-cookie", "set-cookie", "vary"]);
    list.delete("set-cookie");
    check(!list.has("Set-Cookie"));
    await refused(() => list.set("a b", "c"), "TypeError");
    await refused(() => list.set("a", "line\nbreak"), "TypeError");
  },
};

export const aborting = {
  async test() {
    const controller = new AbortController();
    const heard = new Promise((resolve) => controller.signal.addEventListener("abort", resolve, { once: true }));
    controller.abort(new RangeError("enough"));
    await heard;
    same([controller.signal.aborted, controller.signal.reason.message], [true, "enough"]);
    await refused(() => controller.signal.throwIfAborted(), "RangeError");
    const late = AbortSignal.timeout(1);
    await new Promise((resolve) => late.addEventListener("abort", resolve));
    same(late.reason.name, "TimeoutError");
    check(AbortSignal.any([new AbortController().signal, late]).aborted);
  },
};
