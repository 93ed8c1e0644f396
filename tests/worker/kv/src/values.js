import { check, refused, same } from "./check.js";

export const what_is_put_is_read = {
  async test(_, { KV }) {
    same(await KV.get("nothing"), null);
    same(await KV.put("a", "one"), undefined);
    same(await KV.get("a"), "one");
    same(await KV.get("a", "text"), "one");
    await KV.put("a", "zwei ✓ 😀");
    same(await KV.get("a"), "zwei ✓ 😀");
    same(await KV.get("a", { type: "text", cacheTtl: 30 }), "zwei ✓ 😀");
    same(await KV.delete("a"), undefined);
    same(await KV.get("a"), null);
    same(await KV.delete("a"), undefined);
  },
};

export const read_twice_it_comes_from_memory = {
  async test(_, { KV }) {
    await KV.put("hot", "1");
    for (let i = 0; i < 20; i++) same(await KV.get("hot"), "1");
    await KV.put("hot", "2");
    for (let i = 0; i < 20; i++) same(await KV.get("hot"), "2");
    await KV.delete("hot");
    for (let i = 0; i < 20; i++) same(await KV.get("hot"), null);
    await KV.put("hot", "3", { metadata: { m: 1 } });
    for (let i = 0; i < 20; i++) {
      same(await KV.getWithMetadata("hot"), { value: "3", metadata: { m: 1 }, cacheStatus: null });
    }
  },
};

export const types = {
  async test(_, { KV }) {
    await KV.put("json", JSON.stringify({ a: [1, "ü"] }));
    same(await KV.get("json", "json"), { a: [1, "ü"] });
    same(await KV.get("json", { type: "json" }), { a: [1, "ü"] });
    const buffer = await KV.get("json", "arrayBuffer");
    check(buffer instanceof ArrayBuffer);
    same(new TextDecoder().decode(buffer), '{"a":[1,"ü"]}');
    const stream = await KV.get("json", "stream");
    check(stream instanceof ReadableStream);
    same(await new Response(stream).text(), '{"a":[1,"ü"]}');
    for (const type of ["text", "json", "arrayBuffer", "stream"]) {
      same(await KV.get("missing", type), null);
      same(await KV.getWithMetadata("missing", type),
        { value: null, metadata: null, cacheStatus: null });
    }
    await KV.put("empty", "");
    same(await KV.get("empty"), "");
    same((await KV.get("empty", "arrayBuffer")).byteLength, 0);
    same(await new Response(await KV.get("empty", "stream")).text(), "");
    await KV.put("not json", "{");
    await refused(() => KV.get("not json", "json"), "SyntaxError");
    await refused(() => KV.get("not json", "json"), "SyntaxError");
  },
};

export const values_of_each_kind = {
  async test(_, { KV }) {
    const bytes = new Uint8Array([0, 255, 1, 2]);
    const numbers = async (key) => [...new Uint8Array(await KV.get(key, "arrayBuffer"))];
    await KV.put("buffer", bytes.buffer);
    same(await numbers("buffer"), [0, 255, 1, 2]);
    await KV.put("view", bytes.subarray(1, 3));
    same(await numbers("view"), [255, 1]);
    await KV.put("data view", new DataView(bytes.buffer, 2));
    same(await numbers("data view"), [1, 2]);
    await KV.put("stream", new Response("streamed").body);
    same(await KV.get("stream"), "streamed");
    await KV.put("chunks", new ReadableStream({
      start(controller) {
        for (const part of ["a", "b", "c"]) controller.enqueue(new TextEncoder().encode(part));
        controller.close();
      },
    }));
    same(await KV.get("chunks"), "abc");
    await KV.put("number", 12.5);
    same(await KV.get("number"), "12.5");
    await KV.put("boolean", false);
    same(await KV.get("boolean"), "false");
    await refused(() => KV.put("failing", new ReadableStream({
      pull(controller) {
        controller.error(new RangeError("no more"));
      },
    })), "RangeError", "no more");
    same(await KV.get("failing"), null);
  },
};

// Larger than what lies in the database.
export const large_values = {
  async test(_, { KV }) {
    const big = "0123456789".repeat(300_000);
    await KV.put("big", big, { metadata: "of the big one" });
    check(await KV.get("big") === big);
    same((await KV.get("big", "arrayBuffer")).byteLength, 3_000_000);
    let bytes = 0;
    for await (const chunk of await KV.get("big", "stream")) bytes += chunk.byteLength;
    same(bytes, 3_000_000);
    const { value, metadata } = await KV.getWithMetadata("big", "stream");
    same(metadata, "of the big one");
    check(await new Response(value).text() === big);
    await (await KV.get("big", "stream")).cancel();
    await KV.put("big", new Response(big + "!").body);
    check(await KV.get("big") === big + "!");
    await KV.put("big", "small again");
    same(await KV.get("big"), "small again");
    await KV.delete("big");
    same(await KV.get("big"), null);
  },
};

export const the_largest_value = {
  async test(_, { KV }) {
    const most = 25 * 1024 * 1024;
    const bytes = new Uint8Array(most);
    bytes[most - 1] = 7;
    await KV.put("largest", bytes);
    const back = new Uint8Array(await KV.get("largest", "arrayBuffer"));
    same([back.length, back[most - 1]], [most, 7]);
    await refused(() => KV.put("largest", new Uint8Array(most + 1)), "Error",
      "KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.");
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(4 * 1024 * 1024));
      },
    });
    await refused(() => KV.put("largest", stream), "Error", "KV PUT failed: 413 Value length of ");
    same((await KV.get("largest", "arrayBuffer")).byteLength, most);
    await KV.delete("largest");
  },
};

export const metadata = {
  async test(_, { KV }) {
    for (const value of [1, "text", true, ["a", null], { a: { b: "ü" } }]) {
      await KV.put("m", "v", { metadata: value });
      same(await KV.getWithMetadata("m"), { value: "v", metadata: value, cacheStatus: null });
    }
    await KV.put("m", "v", { metadata: null });
    same((await KV.getWithMetadata("m")).metadata, null);
    await KV.put("m", "v", { metadata: "x".repeat(1022) });
    await refused(() => KV.put("m", "v", { metadata: "x".repeat(1023) }), "Error",
      "KV PUT failed: 413 Metadata length of 1025 exceeds limit of 1024.");
  },
};

export const many_keys_at_once = {
  async test(_, { KV }) {
    await KV.put("b1", "1");
    await KV.put("b2", "[2]", { metadata: "two" });
    const map = await KV.get(["b1", "b2", "b3"]);
    check(map instanceof Map);
    same([...map], [["b1", "1"], ["b2", "[2]"], ["b3", null]]);
    same([...await KV.get(["b1", "b2"], "json")], [["b1", 1], ["b2", [2]]]);
    same([...await KV.getWithMetadata(["b2", "b3"], { type: "json", cacheTtl: 60 })], [
      ["b2", { value: [2], metadata: "two", cacheStatus: null }],
      ["b3", { value: null, metadata: null, cacheStatus: null }],
    ]);
    await KV.get(Array.from({ length: 100 }, (_, i) => `many${i}`));
  },
};

// A stream and a map of keys are one operation each, however many pieces they have.
export const operations_are_counted_once = {
  async test(_, { KV }) {
    const text = "x".repeat(200_000);
    for (let i = 0; i < 4; i++) {
      await KV.put("pieces", new ReadableStream({
        start(controller) {
          for (let at = 0; at < text.length; at += 100) {
            controller.enqueue(new TextEncoder().encode(text.slice(at, at + 100)));
          }
          controller.close();
        },
      }));
      check(await new Response(await KV.get("pieces", "stream")).text() === text);
    }
    const keys = Array.from({ length: 100 }, (_, i) => `counted${i}`);
    for (let i = 0; i < 120; i++) await KV.get(keys);
  },
};

export const one_id_is_one_namespace = {
  async test(_, { KV, OTHER, SAME }) {
    await OTHER.put("shared", "yes");
    same(await SAME.get("shared"), "yes");
    same(await KV.get("shared"), null);
    await SAME.put("shared", "no");
    same(await OTHER.get("shared"), "no");
  },
};

export const writers_at_once = {
  async test(_, { KV }) {
    await Promise.all(Array.from({ length: 500 }, (_, i) => KV.put(`w${i}`, `${i}`)));
    const all = await Promise.all(Array.from({ length: 500 }, (_, i) => KV.get(`w${i}`)));
    same(all, Array.from({ length: 500 }, (_, i) => `${i}`));
    await Promise.all(Array.from({ length: 100 }, (_, i) => KV.put("same", `${i}`)));
    same(await KV.get("same"), "99");
  },
};
