import { env, waitUntil, WorkerEntrypoint } from "cloudflare:workers";
import { check, refused, same } from "./check.js";

const at_top_level = { greeting: env.GREETING, most: env.LIMITS.most, now: Date.now() };
const refusals = [];
for (const [what, action] of Object.entries({
  fetch: () => fetch("http://127.0.0.1:1/"),
  timer: () => setTimeout(() => {}, 1),
  random: () => crypto.getRandomValues(new Uint8Array(1)),
  uuid: () => crypto.randomUUID(),
  body: () => new Response("text"),
})) {
  refusals.push(Promise.resolve().then(action).then(
    () => `${what} was allowed`,
    (error) => error.message.startsWith("Disallowed operation called within global scope.") || error.message));
}
const answers = await Promise.all(refusals);

export const variables = {
  test(controller, given, ctx) {
    same(at_top_level.greeting, "hello");
    same(at_top_level.most, 3);
    same(given.LIMITS, { most: 3, names: ["a", "b"] });
    same(given.SECRET, "not in the configuration");
    same(Object.entries(env), Object.entries(given), "env of the module");
    check(!("GREETING" in globalThis), "a module's variables are no globals");
    check(ctx.props !== undefined);
  },
};

export const nothing_at_top_level = {
  test() {
    same(answers, [true, true, true, true, true]);
  },
};

export const wait_until = {
  async test(controller, given, ctx) {
    const order = [];
    ctx.waitUntil(scheduler.wait(2).then(() => order.push("ctx")));
    waitUntil(scheduler.wait(4).then(() => order.push("module")));
    await refused(() => ctx.waitUntil(), "TypeError");
    await scheduler.wait(10);
    same(order, ["ctx", "module"]);
  },
};

export const time_stands_still = {
  async test() {
    const [date, mark] = [Date.now(), performance.now()];
    for (let i = 0; i < 3e6; i++) Math.sqrt(i);
    same([Date.now(), performance.now(), +new Date()], [date, mark, date]);
    await scheduler.wait(5);
    check(Date.now() > date && performance.now() > mark, "time moves with I/O");
    check(at_top_level.now <= date);
  },
};

export class OfAClass extends WorkerEntrypoint {
  test(controller) {
    same(this.env.GREETING, "hello");
    this.ctx.waitUntil(Promise.resolve());
    same(arguments.length, 1);
  }
}

export const no_way_to_code_from_text = {
  async test() {
    await refused(() => eval("1 + 1"), "EvalError");
    await refused(() => new Function("return 1"), "EvalError");
    await refused(() => new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])), "CompileError");
    same(typeof SharedArrayBuffer, "undefined");
    same(typeof process, "undefined");
    same(typeof require, "undefined");
  },
};
