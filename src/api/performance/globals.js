// The globals performance and navigator.
import { expose_class, expose_value } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { illegal_constructor, require_args } from "../base/webidl.js";
import { EventTarget } from "../dom/event_target.js";
import { wait_until } from "../event/event.js";
import { fetch } from "../fetch/fetch.js";
import { load_part } from "../parts/parts.js";
import { performance_now } from "./performance.js";

const timeline = () => load_part("performance/timeline");

class Performance extends EventTarget {
  #brand;
  constructor(internal = undefined) {
    if (internal !== kInternal) throw illegal_constructor();
    super();
  }
  now() {
    this.#brand;
    return performance_now();
  }
  get timeOrigin() {
    this.#brand;
    return 0;
  }
  mark(name, options = undefined) {
    this.#brand;
    require_args(arguments.length, 1, "mark", "Performance");
    return timeline().mark(name, options);
  }
  measure(name, start_or_options = undefined, end_mark = undefined) {
    this.#brand;
    require_args(arguments.length, 1, "measure", "Performance");
    return timeline().measure(name, start_or_options, end_mark);
  }
  clearMarks(name = undefined) {
    this.#brand;
    timeline().clear("mark", name);
  }
  clearMeasures(name = undefined) {
    this.#brand;
    timeline().clear("measure", name);
  }
  clearResourceTimings() {
    this.#brand;
  }
  setResourceTimingBufferSize(size) {
    this.#brand;
  }
  getEntries() {
    this.#brand;
    return timeline().entries(undefined, undefined);
  }
  getEntriesByType(type) {
    this.#brand;
    require_args(arguments.length, 1, "getEntriesByType", "Performance");
    return timeline().entries(undefined, `${type}`);
  }
  getEntriesByName(name, type = undefined) {
    this.#brand;
    require_args(arguments.length, 1, "getEntriesByName", "Performance");
    return timeline().entries(`${name}`, type);
  }
  toJSON() {
    this.#brand;
    return { timeOrigin: 0 };
  }
}

class Navigator {
  #brand;
  constructor(internal = undefined) {
    if (internal !== kInternal) throw illegal_constructor();
  }
  get userAgent() {
    this.#brand;
    return "Cloudflare-Workers";
  }
  get hardwareConcurrency() {
    this.#brand;
    return 1;
  }
  get platform() {
    this.#brand;
    return "";
  }
  get language() {
    this.#brand;
    return "en";
  }
  sendBeacon(url, data = undefined) {
    this.#brand;
    require_args(arguments.length, 1, "sendBeacon", "Navigator");
    wait_until(fetch(url, { __proto__: null, method: "POST", body: data }));
    return true;
  }
  get languages() {
    this.#brand;
    return ["en"];
  }
}

expose_class(Performance, "Performance");
expose_value("performance", new Performance(kInternal), true);
expose_class(Navigator, "Navigator");
expose_value("navigator", new Navigator(kInternal), true);
