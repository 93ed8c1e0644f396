import { env, withEnv } from "cloudflare:workers";
import { check, refused, same } from "./check.js";

let at_top_level;
try {
  at_top_level = env.KV.get("a");
} catch (error) {
  at_top_level = Promise.reject(error);
}
at_top_level = at_top_level.then(() => "no error", (error) => error.message);

export const nothing_at_top_level = {
  async test() {
    check((await at_top_level).startsWith("Disallowed operation called within global scope."));
  },
};

export const env_from_the_module = {
  async test(_, passed) {
    check(env.KV === passed.KV && env.KV === env.KV);
    same(Object.keys(passed), ["KV", "OTHER", "SAME"]);
    check("KV" in env && !("NOT" in env));
    same(Object.prototype.toString.call(env.KV), "[object KvNamespace]");
    same(typeof globalThis.KV, "undefined");
    await passed.KV.put("module", "1");
    same(await env.KV.get("module"), "1");
    same(await withEnv({ KV: { get: async () => "mine" } }, () => env.KV.get("module")), "mine");
    const { KV, ...rest } = passed;
    same(Object.keys(rest), ["OTHER", "SAME"]);
    same(await KV.get("module"), "1");
  },
};

export const prototypes_rewritten_by_the_worker = {
  async test(_, { KV }) {
    const saved = [Array.prototype.push, Promise.prototype.then, Map.prototype.set];
    const bad = () => {
      throw new Error("seen by the worker");
    };
    Array.prototype.push = Map.prototype.set = bad;
    try {
      await KV.put("proto", "1", { metadata: { a: 1 } });
      same(await KV.get("proto"), "1");
      same((await KV.get(["proto"])).get("proto"), "1");
      same((await KV.list({ prefix: "proto" })).keys[0].name, "proto");
    } finally {
      [Array.prototype.push, Promise.prototype.then, Map.prototype.set] = saved;
    }
  },
};
