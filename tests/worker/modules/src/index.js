import note from "./note.txt";
import page from "./page.md";
import bytes from "./bytes.bin";
import raw from "./bytes.raw";
import data from "./data.json";
import with_type from "./data.json" with { type: "json" };
import legacy, { names } from "./legacy.cjs";
import sum from "./sum.wasm";
import { both } from "./more/cycle_a.js";
import { through } from "./more/cycle_b.js";
import * as awaits from "./awaits.js";

function same(actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}

async function message_of(action) {
  try {
    await action();
  } catch (error) {
    return error.message;
  }
  return "nothing was thrown";
}

export const text_and_data = {
  test() {
    same([note, page], ["plain text\n", "# markdown\n"]);
    same([bytes instanceof ArrayBuffer, [...new Uint8Array(bytes)]], [true, [0, 1, 255]]);
    same(new TextDecoder().decode(raw), "raw\n");
  },
};

export const json = {
  test() {
    same(data, { a: [1, { b: null }] });
    same(with_type === data, true);
  },
};

export const commonjs = {
  async test() {
    same(names, ["other", 1, "object", "object", "string"]);
    same([legacy.names === names, legacy.again(), globalThis.loads], [true, true, 1]);
    same((await message_of(() => legacy.missing())).startsWith("No such module"), true);
  },
};

export const cycles_and_live_bindings = {
  test() {
    same([both(), through()], ["ab", "ab"]);
    same([awaits.settled, awaits.later], ["settled", "before"]);
    awaits.change();
    same(awaits.later, "after");
  },
};

export const dynamic_import = {
  async test() {
    const [one, two] = await Promise.all([import("./more/late.js"), import("./more/late.js")]);
    same([one === two, one.loaded], [true, true]);
    const name = "late";
    same((await import(`./more/${name}.js`)) === one, true);
    same((await message_of(() => import("./more/none.js"))).startsWith("No such module"), true);
    same((await message_of(() => import("../../package/wrangler.toml"))).startsWith("No such module"), true);
  },
};

export const webassembly = {
  async test() {
    same(sum instanceof WebAssembly.Module, true);
    const instance = await WebAssembly.instantiate(sum, { env: { add: (a, b) => a + b } });
    const { memory, buffer, trap } = instance.exports;
    new Uint8Array(memory.buffer, buffer(), 1024).fill(3);
    same(instance.exports.sum(1000), 3000);
    same(new WebAssembly.Instance(sum, { env: { add: (a, b) => a - b } }).exports.sum(1000), 0);
    same((await message_of(trap)), "unreachable");
    same((await message_of(() => new WebAssembly.Instance(sum, {}))).includes("env"), true);
  },
};
