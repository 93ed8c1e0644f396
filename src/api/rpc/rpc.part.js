// JavaScript RPC between Workers: the entry of the part. docs/decisions/rpc.md says how a call goes.
import {
  ObjectDefineProperty,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  SymbolDispose,
} from "../base/primordials.js";
import { own_ops } from "../parts/own_ops.js";
import { dispatch_call, dispatch_to, dispose_target, is_rpc_target } from "./server.js";
import {
  begin_reading, call_remote, dispose_all, end_reading, local_stub, loopback_stub, make_stub,
  service_stub, stub_source,
} from "./stubs.js";
import {
  decode, encode, error_from, kHeld, kOwn, set_stub_access, write,
} from "./values.js";

export { kHeld, kOwn, local_stub, loopback_stub, service_stub, write };

// Stubs that come with arguments or a result are made between reading_begins and the function that
// takes the value, without any of the user's code in between.
set_stub_access({ __proto__: null, is_rpc_target, stub_source, call_remote, make_stub });

let reading = false;
let before = null;
function decode_in_message(tag, value, handle) {
  if (!reading) {
    reading = true;
    before = begin_reading();
  }
  return decode(tag, value, handle);
}
function stubs_read() {
  if (!reading) return [];
  reading = false;
  return end_reading(before);
}

// A result: an array of one value.
function settle(list) {
  const made = stubs_read();
  const value = list[0];
  if (typeof value !== "object" || value === null) return value;
  const prototype = ObjectGetPrototypeOf(value);
  if (made.length === 0 && prototype !== object_prototype) return value;
  if (!ObjectHasOwn(value, SymbolDispose)) {
    ObjectDefineProperty(value, SymbolDispose, {
      __proto__: null, value: () => dispose_all(made), writable: true, enumerable: false, configurable: true,
    });
  }
  return value;
}
const object_prototype = ObjectGetPrototypeOf({});

function make_error(list, name, message) {
  stubs_read();
  const error = list === undefined ? error_from([name, message, undefined, []]) : list[0];
  if (typeof error === "object" && error !== null) {
    ObjectDefineProperty(error, "remote", {
      __proto__: null, value: true, writable: true, enumerable: true, configurable: true,
    });
  }
  return error;
}

function dispatch(event, open, name, props, path, args) {
  dispatch_call(event, open, name, props, path, args, stubs_read());
}

function dispatch_export(open, target, path, args) {
  dispatch_to(open, target, path, args, stubs_read());
}

own_ops.rpc_setup(object_prototype, encode, decode_in_message, settle, make_error, dispatch,
  dispatch_export, dispose_target);
