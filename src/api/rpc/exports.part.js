// ctx.exports: a stub of each of the worker's own entrypoints, made when it is read.
import { ObjectDefineProperty, ObjectFreeze } from "../base/primordials.js";
import { entry_names } from "../modules/entry.js";
import { own_ops } from "../parts/own_ops.js";
import { kHeld, kOwn, loopback_stub, write } from "./rpc.part.js";

const { rpc_loopback } = own_ops;

function make_stub(name) {
  return loopback_stub(kOwn, name, (options) => {
    const props = options?.props;
    if (props === undefined) return loopback_stub(kOwn, name, null);
    write([props]);
    return loopback_stub(kHeld, rpc_loopback(name), null);
  });
}

export function make_exports() {
  const exports = {};
  const names = entry_names();
  for (let i = 0; i < names.length; i++) {
    let stub;
    ObjectDefineProperty(exports, names[i], {
      __proto__: null, get: () => (stub ??= make_stub(names[i])), enumerable: true, configurable: false,
    });
  }
  return ObjectFreeze(exports);
}
