// The `cf` option of fetch(): tells whoever wrote it, once an isolate, of each member that does
// nothing here, so that nobody waits for an effect. Features of a dashboard are quietly ignored.
import { ops } from "../base/ops.js";
import { ObjectKeys, Set, SetPrototypeAdd, SetPrototypeGetSize, SetPrototypeHas,
  StringPrototypeSlice } from "../base/primordials.js";

const { console_emit } = ops;

const kWarn = 3;  // as ConsoleLevel in runtime.h
const max_told = 32;
const max_name_length = 64;

const quiet = new Set([
  "apps", "botManagement", "minify", "mirage", "polish", "scrapeShield", "securityLevel",
]);
const told = new Set();

export function warn_of_cf_options(cf) {
  if (typeof cf !== "object" || cf === null) return;
  const names = ObjectKeys(cf);
  for (let i = 0; i < names.length && SetPrototypeGetSize(told) < max_told; i++) {
    const name = StringPrototypeSlice(names[i], 0, max_name_length);
    if (SetPrototypeHas(quiet, name) || SetPrototypeHas(told, name)) continue;
    SetPrototypeAdd(told, name);
    console_emit(kWarn, `fetch(): the option cf.${name} has no effect`);
  }
}
