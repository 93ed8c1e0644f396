import { env, waitUntil, WorkerEntrypoint } from "cloudflare:workers";
import * as workers from "cloudflare:workers";
import { assert, assert_equals, assert_throws } from "../testing/assert.js";

const early = [env.TEXT, env.LIST];

export const env_everywhere = {
  test(controller, handler_env) {
    assert_equals(early, ["a text", [1, 2]]);
    assert_equals([handler_env.TEXT, Object.keys(handler_env)], [env.TEXT, Object.keys(env)]);
    assert_equals(typeof TEXT, "undefined");
  },
};

export class a_class extends WorkerEntrypoint {
  test(controller, second) {
    assert_equals(this.env.TEXT, "a text");
    assert_equals(typeof this.ctx.waitUntil, "function");
    assert_equals(second, undefined);
  }
}

export const context = {
  async test(controller, handler_env, ctx) {
    assert_equals(String(ctx), "[object ExecutionContext]");
    assert_equals(ctx.props, {});
    assert_throws(() => ctx.waitUntil(), TypeError);
    let done = false;
    ctx.waitUntil(scheduler.wait(1).then(() => { done = true; }));
    waitUntil(scheduler.wait(1));
    await scheduler.wait(5);
    assert(done);
    assert_throws(() => ctx.constructor(), TypeError);
    assert_throws(() => new ctx.constructor(), TypeError);
    assert_throws(() => ctx.waitUntil.call({}, Promise.resolve()), TypeError);
  },
};

export const globals = {
  test() {
    assert(self === globalThis);
    assert_equals(navigator.userAgent, "Cloudflare-Workers");
    assert_equals(typeof Cloudflare.compatibilityFlags, "object");
    assert_throws(() => eval("1"), EvalError);
    assert_equals(typeof SharedArrayBuffer, "undefined");
    assert_equals(Object.keys(workers).includes("RpcTarget"), true);
  },
};

export const imports_at_run_time = {
  async test() {
    const module = await import("../testing/assert.js");
    assert(module.assert === assert);
    let error;
    try {
      await import("./missing.js");
    } catch (e) {
      error = e;
    }
    assert(error.message.startsWith("No such module"), error.message);
  },
};

export const errors_are_reported_not_thrown = {
  test() {
    reportError(new Error("told to the log"));
  },
};

export default {
  test() {},
};

export const scoped_env = {
  async test(controller, handler_env, ctx) {
    const other = { TEXT: "another", more: 1 };
    const { withEnv } = workers;
    const seen = [];
    const results = withEnv(other, async () => {
      seen.push(env.TEXT, "more" in env, Object.keys(env).length, handler_env.TEXT);
      await scheduler.wait(1);
      seen.push(env.TEXT);
      const timer = new Promise((resolve) => setTimeout((a) => resolve(a + env.TEXT), 1, "in a timer: "));
      const inner = withEnv({ TEXT: "inner" }, () => env.TEXT);
      ctx.waitUntil(Promise.resolve().then(() => seen.push(`later ${env.TEXT}`)));
      env.added = true;
      return [await timer, inner, env.TEXT];
    });
    assert_equals(env.TEXT, "a text");
    assert_equals(await results, ["in a timer: another", "inner", "another"]);
    assert_equals(seen, ["another", true, 2, "a text", "another", "later another"]);
    assert_equals([other.added, env.added, env.TEXT], [true, undefined, "a text"]);
    assert_throws(() => withEnv(other, () => { throw new RangeError("r"); }), RangeError);
    assert_equals(env.TEXT, "a text");
    assert_throws(() => withEnv(null, () => {}), TypeError);
    assert_throws(() => withEnv({}, null), TypeError);
  },
};

export const exports_of_a_scope = {
  async test() {
    const { exports, withExports } = workers;
    assert_equals(withExports({ a: 1 }, () => exports.a), 1);
    assert_equals(await withExports({ a: 2 }, async () => { await 0; return exports.a; }), 2);
    assert(!("a" in exports));
  },
};
