// util.inspect for modules that seldom need it: its part is loaded when it is called.
import { load_part } from "../../parts/parts.js";

export function inspect(...args) {
  return load_part("node/internal_inspect").inspect(...args);
}

export function format(...args) {
  return load_part("node/internal_inspect").format(...args);
}
