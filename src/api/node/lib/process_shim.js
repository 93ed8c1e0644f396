// The little that readable-stream wants of `process`.
import { next_tick } from "./next_tick.js";

export const nextTick = next_tick;
export const env = { __proto__: null };
export const stdout = undefined;
export const stderr = undefined;
export default { nextTick, env, stdout, stderr };
