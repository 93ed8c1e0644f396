import { refused, same } from "./check.js";

export const utf8 = {
  async test() {
    const bytes = new TextEncoder().encode("grüße 😀");
    same(new TextDecoder().decode(bytes), "grüße 😀");
    same(new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xff])), "a\ufffd");
    await refused(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff])), "TypeError");
    same(new TextEncoder().encodeInto("äb", new Uint8Array(2)), { read: 1, written: 2 });
    await refused(() => new TextDecoder("no-such-encoding"), "RangeError");
  },
};

export const base64 = {
  async test() {
    same([btoa("hello"), atob(" aGVs bG8= ")], ["aGVsbG8=", "hello"]);
    await refused(() => btoa("€"), "InvalidCharacterError");
    await refused(() => atob("a"), "InvalidCharacterError");
  },
};

export const console_takes_anything = {
  test() {
    const ring = { name: "ring" };
    ring.self = ring;
    console.log("%s has %d", "text", 3, ring, new Map([[1, new Set([2])]]), Symbol("s"), 1n, null, undefined);
    console.error(new Error("shown in the log, on purpose"));
    console.debug(new Proxy({}, { get() { throw new Error("a trap is not called"); } }));
  },
};
