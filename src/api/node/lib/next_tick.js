// process.nextTick: a microtask, as in Workers.
import { validate_function } from "./validate.js";

export function next_tick(fn, ...args) {
  validate_function(fn, "callback");
  queueMicrotask(args.length === 0 ? fn : () => fn(...args));
}
