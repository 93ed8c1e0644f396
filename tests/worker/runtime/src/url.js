import { refused, same } from "./check.js";

export const parsing = {
  async test() {
    const url = new URL("../b?x=1&x=2#f", "https://us%65r:pw@EXAMPLE.com:443/a/c");
    same(url.href, "https://us%65r:pw@example.com/b?x=1&x=2#f");
    same([url.port, url.host, url.searchParams.getAll("x")], ["", "example.com", ["1", "2"]]);
    url.searchParams.append("y", "ä &");
    same(url.search, "?x=1&x=2&y=%C3%A4+%26");
    url.port = "8080";
    url.pathname = "/ä b";
    same(url.toString(), "https://us%65r:pw@example.com:8080/%C3%A4%20b?x=1&x=2&y=%C3%A4+%26#f");
    same(new URL("http://bücher.example/").hostname, "xn--bcher-kva.example");
    await refused(() => new URL("http://[::1"), "TypeError");
    same([URL.canParse("nothing"), URL.parse("nothing"), URL.canParse("a:b")], [false, null, true]);
  },
};

export const search_params = {
  test() {
    const params = new URLSearchParams("?b=2&a=1&b=3");
    params.sort();
    same([...params], [["a", "1"], ["b", "2"], ["b", "3"]]);
    same([params.size, params.has("b", "3"), params.get("none")], [3, true, null]);
    params.delete("b", "2");
    params.set("a", "x y");
    same(String(params), "a=x+y&b=3");
    same(String(new URLSearchParams({ q: "=&" })), "q=%3D%26");
    same(Object.fromEntries(new URLSearchParams([["k", "v"]])), { k: "v" });
  },
};
