// The globals performance and navigator.
import { expose_class, expose_value } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { illegal_constructor } from "../base/webidl.js";
import { EventTarget } from "../dom/event_target.js";
import { performance_now } from "./performance.js";

class Performance extends EventTarget {
  #brand;
  constructor(internal) {
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
  toJSON() {
    this.#brand;
    return { timeOrigin: 0 };
  }
}

class Navigator {
  #brand;
  constructor(internal) {
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
  get languages() {
    this.#brand;
    return ["en"];
  }
}

expose_class(Performance, "Performance");
expose_value("performance", new Performance(kInternal), true);
expose_class(Navigator, "Navigator");
expose_value("navigator", new Navigator(kInternal), true);
