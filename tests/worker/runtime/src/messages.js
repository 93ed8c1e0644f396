import { check, refused, same } from "./check.js";

export const cloning = {
  async test() {
    const original = { date: new Date(5), map: new Map([["k", new Set([1])]]), bytes: new Uint8Array([1, 2]),
                       error: new RangeError("r"), pattern: /x/gi, big: 10n, hole: [1, , 3] };
    original.self = original;
    const copy = structuredClone(original);
    check(copy.self === copy && copy !== original);
    same([+copy.date, copy.map.get("k").has(1), [...copy.bytes]], [5, true, [1, 2]]);
    same([copy.error.name, copy.pattern.flags, copy.big === 10n, 1 in copy.hole], ["RangeError", "gi", true, false]);
    await refused(() => structuredClone(() => {}), "DataCloneError");
    await refused(() => structuredClone(Symbol("s")), "DataCloneError");
    const buffer = new ArrayBuffer(8);
    same(structuredClone(buffer, { transfer: [buffer] }).byteLength, 8);
    same(buffer.byteLength, 0);
  },
};

export const events = {
  async test() {
    const target = new EventTarget();
    const heard = [];
    target.addEventListener("e", { handleEvent: (event) => heard.push(event.type) }, { once: true });
    target.addEventListener("e", (event) => event.preventDefault());
    same([target.dispatchEvent(new Event("e", { cancelable: true })), target.dispatchEvent(new Event("e"))],
      [false, true]);
    same(heard, ["e"]);
    const error = new DOMException("text", "AbortError");
    same([error.code, error instanceof Error, String(error)], [20, true, "AbortError: text"]);
  },
};
