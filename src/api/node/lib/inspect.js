// util.inspect and util.format, whose part is large: it is loaded when one of them is called.
import { load_part } from "../../parts/parts.js";

const real = () => load_part("node/internal_inspect");

export function inspect(value, options) {
  return real().inspect(value, options, arguments[2], arguments[3]);
}
export const format = (...args) => real().format(...args);
export const formatWithOptions = (...args) => real().formatWithOptions(...args);

inspect.custom = Symbol.for("nodejs.util.inspect.custom");
for (const name of ["colors", "styles", "defaultOptions", "replDefaults"]) {
  Object.defineProperty(inspect, name, {
    enumerable: true,
    configurable: true,
    get: () => real().inspect[name],
    set(value) {
      real().inspect[name] = value;
    },
  });
}

// ECMA-48: control sequences, and operating system commands with their text.
const controls = new RegExp(
  "[\\u001b\\u009b](?:\\][^\\u0007\\u001b\\u009c]*(?:\\u0007|\\u001b\\\\|\\u009c)|" +
    "[[()#;?]*(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PR-TZcf-nq-uy=><~])",
  "g",
);
export const strip_controls = (text) => text.replace(controls, "");
