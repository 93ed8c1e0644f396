import { check, refused, same } from "./check.js";

async function all(KV, options) {
  const names = [];
  let cursor;
  let pages = 0;
  for (;;) {
    const page = await KV.list({ ...options, cursor });
    pages++;
    names.push(...page.keys.map((key) => key.name));
    if (page.list_complete) {
      check(!("cursor" in page));
      return { names, pages };
    }
    cursor = page.cursor;
  }
}

export const pages = {
  async test(_, { KV }) {
    same(await KV.list({ prefix: "list/" }), { keys: [], list_complete: true, cacheStatus: null });
    const names = Array.from({ length: 1005 }, (_, i) => `list/${String(i).padStart(4, "0")}`);
    await Promise.all(names.map((name) => KV.put(name, "v")));
    same(await all(KV, { prefix: "list/", limit: 100 }), { names, pages: 11 });
    same(await all(KV, { prefix: "list/" }), { names, pages: 2 });
    same(await all(KV, { prefix: "list/", limit: 0 }), { names, pages: 2 });
    same((await all(KV, { prefix: "list/000" })).names, names.slice(0, 10));
    const whole = await KV.list({ prefix: "list/00", limit: 100 });
    same([whole.keys.length, whole.list_complete], [100, true]);
  },
};

export const what_a_key_tells = {
  async test(_, { KV }) {
    const expiration = Math.floor(Date.now() / 1000) + 1000;
    await KV.put("tell/a", "v", { expiration, metadata: { m: 1 } });
    await KV.put("tell/b", "v");
    same(await KV.list({ prefix: "tell/" }), {
      keys: [{ name: "tell/a", expiration, metadata: { m: 1 } }, { name: "tell/b" }],
      list_complete: true, cacheStatus: null,
    });
  },
};

export const order_of_bytes = {
  async test(_, { KV }) {
    const names = ["o/", "o/Z", "o/a", "o/ü", "o/\uffee", "o/😀"];
    for (const name of names.toReversed()) await KV.put(name, "v");
    same((await all(KV, { prefix: "o/", limit: 2 })).names, names);
  },
};

export const cursors_made_up = {
  async test(_, { KV }) {
    await KV.put("cur/a", "v");
    for (const cursor of ["x", "deadbeef", "../..", "0", "a".repeat(5000), "😀", "00"]) {
      await refused(() => KV.list({ prefix: "cur/", cursor }), "Error",
        "KV GET failed: 400 Invalid cursor");
    }
  },
};
