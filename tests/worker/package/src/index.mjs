import shapes, { area, inner, plain } from "shapes";
import { name } from "shapes/features/square.js";
import manifest from "shapes/package.json" with { type: "json" };
import mode from "shapes/features/mode.js";
import consumer from "./consumer.cjs";

function same(actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}

export const conditions_of_exports = {
  test() {
    same([shapes, inner, area(3, 4)], ["shapes as a module", "inner for workers", 12]);
    same([name, manifest.version], ["square", "1.0.0"]);
  },
};

export const commonjs_of_packages = {
  test() {
    same(consumer, { kind: "shapes as CommonJS", four: 4 });
    same(typeof plain, "object");
    same(plain.default, "the default of a transpiled module");
    same(plain.where, "in a browser");
  },
};

export const the_constant_that_packages_look_for = {
  test() {
    same(mode, { mode: "development", text: "process.env.NODE_ENV", column: 47 });
  },
};

export const what_a_package_keeps_to_itself = {
  async test() {
    for (const path of ["shapes/esm/index.js", "shapes/features/private-one.js", "no-such-package", "node:fs"]) {
      let error;
      try {
        await import(path);
      } catch (thrown) {
        error = thrown;
      }
      same([path, String(error?.message).startsWith("No such module")], [path, true]);
    }
  },
};
