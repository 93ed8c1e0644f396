// The callee's side: finds what a call asks for by the rules of Workers, calls it, answers.
import {
  ArrayIsArray,
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  FunctionPrototypeCall,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  PromisePrototypeThen,
  PromiseResolve,
  ReflectApply,
  Set,
  SetPrototypeHas,
  SymbolDispose,
  TypeError,
} from "../base/primordials.js";
import { kInternal } from "../base/internal.js";
import { ops } from "../base/ops.js";
import { ExecutionContext, report_error } from "../event/event.js";
import { RpcTarget, entry_for } from "../modules/entry.js";
import { own_ops } from "../parts/own_ops.js";
import { dispose_all, is_rpc_value, is_stub, stub_member, write_moving } from "./stubs.js";
import { is_remote_object, write } from "./values.js";

const { event_fail, event_handler_done, event_peek } = ops;
const { rpc_answer, rpc_fail } = own_ops;

const reserved = new Set(["fetch", "connect", "alarm", "webSocketMessage", "webSocketClose",
  "webSocketError", "constructor", "dup"]);
// The handlers of a plain object that are no methods.
const object_prototype = ObjectGetPrototypeOf({});

export function is_rpc_target(value) {
  if (typeof value !== "object" || value === null) return false;
  let at = ObjectGetPrototypeOf(value);
  while (at !== null) {
    if (at === RpcTarget.prototype) return true;
    at = ObjectGetPrototypeOf(at);
  }
  return false;
}

function not_implemented(name) {
  return new TypeError(`The RPC receiver does not implement the method "${name}".`);
}

// One property of a receiver. instance: whether its own properties count (a plain object), or those of
// its class.
function member(object, name, instance) {
  if (SetPrototypeHas(reserved, name)) {
    throw new TypeError(`'${name}' is a reserved method and cannot be called over RPC.`);
  }
  if (instance) {
    if (!ObjectHasOwn(object, name)) throw not_implemented(name);
    return object[name];
  }
  if (ObjectHasOwn(object, name)) throw not_implemented(name);
  const value = object[name];
  if (value === object_prototype[name]) throw not_implemented(name);
  return value;
}

// Along a path: [what it leads to, what it is a property of].
function find(receiver, path, instance) {
  let object = receiver;
  let in_stub = false;
  for (let i = 0; i < path.length; i++) {
    const name = path[i];
    const value = in_stub ? stub_member(object, name) : member(object, name, instance);
    if (i === path.length - 1) return [value, object];
    if ((typeof value !== "object" && typeof value !== "function") || value === null) {
      throw not_implemented(name);
    }
    if (is_stub(value) || (in_stub && is_rpc_value(value))) {
      in_stub = true;
    } else if (is_rpc_target(value)) {
      instance = in_stub = false;
    } else if (ObjectGetPrototypeOf(value) === object_prototype || typeof value === "function" ||
               ArrayIsArray(value)) {
      instance = true;
      in_stub = false;
    } else {
      throw not_implemented(name);
    }
    object = value;
  }
  return [receiver, undefined];
}

function name_of(path) {
  return path.length === 0 ? "(this)" : ArrayPrototypeJoin(path, ".");
}

// --- answers ---

function settle_error(open, error) {
  try {
    write([error]);
    rpc_answer(open, true);
  } catch {
    let message;
    try {
      message = `${error?.message ?? error}`;
    } catch {
      message = "An error that cannot be described.";
    }
    rpc_fail(open, "Error", message);
  }
}

// `event`: the id of the event that this call began, or 0.
function fail(event, open, error) {
  settle_error(open, error);
  if (event !== 0) event_fail(event, error);
}

function answer(event, open, value, params) {
  try {
    write_moving([value]);
    rpc_answer(open, false);
  } catch (error) {
    dispose_all(params);
    return fail(event, open, error);
  }
  dispose_all(params);
  if (event !== 0) event_handler_done(event);
}

function finish(event, open, result, params) {
  if ((typeof result !== "object" && typeof result !== "function") || result === null) {
    return answer(event, open, result, params);
  }
  const value = event_peek(result);
  if (value !== undefined) return answer(event, open, value, params);
  PromisePrototypeThen(is_rpc_value(result) ? resolved(result) : PromiseResolve(result),
    (value) => answer(event, open, value, params),
    (error) => {
      dispose_all(params);
      fail(event, open, error);
    });
}

async function resolved(value) {
  return await value;
}

// --- calls ---

// params: the stubs that came with the arguments.
function invoke(event, open, receiver, instance, path, args, params, extra) {
  try {
    const found = find(receiver, path, instance);
    const value = found[0];
    if (args === undefined) {
      return finish(event, open, bound(value, found[1]), params);
    }
    if (typeof value !== "function") throw new TypeError(`"${name_of(path)}" is not a function.`);
    if (extra !== undefined) insert_env(args, path, extra);
    finish(event, open, ReflectApply(value, found[1], args), params);
  } catch (error) {
    dispose_all(params);
    fail(event, open, error);
  }
}

// A method that is asked for as a value is called on its object later.
function bound(value, self) {
  if (typeof value !== "function" || self === undefined || is_rpc_value(value)) return value;
  return (...args) => ReflectApply(value, self, args);
}

// Handlers of a plain object get env and ctx after the one argument.
function insert_env(args, path, extra) {
  if (args.length !== 1) {
    throw new TypeError(
      `Attempted to call RPC function "${name_of(path)}" with the wrong number of arguments. ` +
      "When calling a top-level handler function that is not declared as part of a class, you " +
      "must always send exactly one argument. In order to support variable numbers of arguments, " +
      "the server must use class-based syntax (extending WorkerEntrypoint) instead.");
  }
  ArrayPrototypePush(args, extra.env, extra.ctx);
}

// A call of this worker's entrypoint `name` that began event `event`.
export function dispatch_call(event, open, name, props, path, args, params) {
  let target;
  let extra;
  try {
    const ctx = new ExecutionContext(kInternal, event, props);
    const entry = entry_for(name);
    target = entry.rpc_receiver(ctx);
    if (entry.is_object) extra = { __proto__: null, env: entry.env, ctx };
  } catch (error) {
    dispose_all(params);
    return fail(event, open, error);
  }
  invoke(event, open, target, extra !== undefined, path, args, params, extra);
}

export function dispatch_to(open, target, path, args, params) {
  if (is_remote_object(target)) {
    let result;
    try {
      result = ReflectApply(target[path[0]], target, args);
    } catch (error) {
      return fail(0, open, error);
    }
    return finish(0, open, result, params);
  }
  invoke(0, open, target, !is_rpc_target(target), path, args, params);
}

// Nobody holds `target` any more: its own disposer hears of it.
export function dispose_target(target) {
  try {
    if (is_remote_object(target)) return target.dispose();
    const dispose = target[SymbolDispose];
    if (typeof dispose === "function") FunctionPrototypeCall(dispose, target);
  } catch (error) {
    report_error(error);
  }
}
