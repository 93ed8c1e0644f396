import { refused, same } from "./check.js";

export const keys = {
  async test(_, { KV }) {
    for (const use of [(k) => KV.get(k), (k) => KV.getWithMetadata(k), (k) => KV.put(k, "v"),
                       (k) => KV.delete(k)]) {
      await refused(() => use(""), "TypeError", "Key name cannot be empty.");
      await refused(() => use("."), "TypeError", '"." is not allowed as a key name.');
      await refused(() => use(".."), "TypeError", '".." is not allowed as a key name.');
    }
    const long = "k".repeat(513);
    const text = " failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512.";
    await refused(() => KV.get(long), "Error", "KV GET" + text);
    await refused(() => KV.put(long, "v"), "Error", "KV PUT" + text);
    await refused(() => KV.delete(long), "Error", "KV DELETE" + text);
    await refused(() => KV.get("ü".repeat(257)), "Error", "UTF-8 encoded length of 514");
    for (const key of ["k".repeat(512), "ü".repeat(256), "a\0b", "...", "/", "\ud800"]) {
      await KV.put(key, "v");
      same(await KV.get(key), "v");
    }
  },
};

export const options = {
  async test(_, { KV }) {
    const types = 'Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".';
    await refused(() => KV.get("a", "xml"), "TypeError", types);
    await refused(() => KV.get("a", { type: "constructor" }), "TypeError", types);
    await refused(() => KV.get("a", { cacheTtl: 29 }), "Error",
      "KV GET failed: 400 Invalid cache_ttl of 29. Cache TTL must be at least 30.");
    await refused(() => KV.put("a", "v", { expirationTtl: 59 }), "Error",
      "KV PUT failed: 400 Invalid expiration_ttl of 59. Expiration TTL must be at least 60.");
    for (const expirationTtl of [0, -1, NaN, "x"]) {
      await refused(() => KV.put("a", "v", { expirationTtl }), "Error",
        `KV PUT failed: 400 Invalid expiration_ttl of ${expirationTtl}.`);
    }
    for (const expiration of [1, -5, NaN, "soon", Math.floor(Date.now() / 1000) + 30]) {
      await refused(() => KV.put("a", "v", { expiration }), "Error",
        `KV PUT failed: 400 Invalid expiration of ${expiration}.`);
    }
    await KV.put("both", "v", { expiration: 1, expirationTtl: 60 });
    same(await KV.get("both"), "v");
    for (const limit of [-1, NaN, "x", 1001]) {
      await refused(() => KV.list({ limit }), "Error",
        `KV GET failed: 400 Invalid key_count_limit of ${limit}.`);
    }
  },
};

export const bulk = {
  async test(_, { KV }) {
    await refused(() => KV.get(Array.from({ length: 101 }, (_, i) => `k${i}`)), "Error",
      "KV GET_BULK failed: 400 You can request a maximum of 100 keys");
    await refused(() => KV.get(["a"], "stream"), "Error",
      'KV GET_BULK failed: 400 "stream" is not a valid type. Use "json" or "text"');
    await refused(() => KV.get(["a"], "arrayBuffer"), "Error", "KV GET_BULK failed: 400");
    await refused(() => KV.get([]), "Error", "KV GET_BULK failed: 400");
    await refused(() => KV.get([""]), "TypeError", "Key name cannot be empty.");
  },
};

export const values = {
  async test(_, { KV }) {
    const text = "KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.";
    for (const value of [{}, [], undefined, null, () => 1, Symbol("s"), new Map()]) {
      await refused(() => KV.put("a", value), "TypeError", text);
    }
    await refused(() => KV.put("a"), "TypeError");
    await refused(() => KV.get(), "TypeError");
    const locked = new Response("x").body;
    locked.getReader();
    await refused(() => KV.put("a", locked), "TypeError");
  },
};

export const what_is_no_namespace = {
  async test(_, { KV }) {
    await refused(() => KV.get.call({}, "a"), "TypeError");
    await refused(() => new KV.constructor(0), "TypeError", "Illegal constructor");
    await refused(() => structuredClone(KV), "DataCloneError");
  },
};
