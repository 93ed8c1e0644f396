// MessageEvent and CloseEvent (HTML standard, 9.1 and 9.3).
import { finish_class } from "../base/expose.js";
import { to_dictionary, to_dom_string, to_unsigned, to_usv_string } from "../base/webidl.js";
import { ArrayPrototypePush, ObjectFreeze, SymbolIterator, TypeError } from "../base/primordials.js";
import { Event } from "../dom/event_target.js";

function list_of(ports) {
  if (ports === null || typeof ports !== "object" || typeof ports[SymbolIterator] !== "function") {
    throw new TypeError("The ports of a MessageEvent are not a sequence.");
  }
  const list = [];
  for (const port of ports) ArrayPrototypePush(list, port);
  return list;
}

export class MessageEvent extends Event {
  #data;
  #id;
  #origin;
  #ports = null;
  #source;
  constructor(type, init = undefined) {
    super(...arguments);
    const dict = to_dictionary(init, "The init of an event");
    const { data, lastEventId, origin, ports, source } = dict;
    this.#data = data === undefined ? null : data;
    this.#id = lastEventId === undefined ? "" : to_dom_string(lastEventId);
    this.#origin = origin === undefined ? "" : to_usv_string(origin);
    if (ports !== undefined) this.#ports = ObjectFreeze(list_of(ports));
    this.#source = source ?? null;
  }
  get data() { return this.#data; }
  get origin() { return this.#origin; }
  get lastEventId() { return this.#id; }
  get source() { return this.#source; }
  get ports() { return (this.#ports ??= ObjectFreeze([])); }
}
finish_class(MessageEvent, "MessageEvent");

export class CloseEvent extends Event {
  #code;
  #reason;
  #clean;
  constructor(type, init = undefined) {
    super(...arguments);
    const dict = to_dictionary(init, "The init of an event");
    this.#code = to_unsigned(dict.code ?? 0, 16);
    this.#reason = to_usv_string(dict.reason ?? "");
    this.#clean = !!dict.wasClean;
  }
  get code() { return this.#code; }
  get reason() { return this.#reason; }
  get wasClean() { return this.#clean; }
}
finish_class(CloseEvent, "CloseEvent");
