// MessageEvent and CloseEvent (HTML standard, 9.1 and 9.3).
import { expose_class } from "../base/expose.js";
import { to_dictionary, to_dom_string, to_unsigned, to_usv_string } from "../base/webidl.js";
import { Event } from "../dom/event_target.js";

export class MessageEvent extends Event {
  #data = null;
  #origin = null;
  constructor(type, init = undefined) {
    super(...arguments);
    const dict = to_dictionary(init, "The init of an event");
    if (dict.data !== undefined) this.#data = dict.data;
    if (dict.origin !== undefined) this.#origin = to_usv_string(dict.origin);
  }
  get data() { return this.#data; }
  get origin() { return this.#origin; }
  get lastEventId() { this.#data; return ""; }
  get source() { this.#data; return null; }
  get ports() { this.#data; return []; }
}
expose_class(MessageEvent, "MessageEvent");

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
expose_class(CloseEvent, "CloseEvent");
