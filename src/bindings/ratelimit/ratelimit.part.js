// RateLimiter: what a ratelimits binding is in env. Native half: ratelimit.cc.
import { finish_class } from "../../api/base/expose.js";
import { kInternal } from "../../api/base/internal.js";
import { ArrayPrototypePush, Error, ObjectKeys, ArrayPrototypeJoin } from "../../api/base/primordials.js";
import { illegal_constructor } from "../../api/base/webidl.js";
import { own_ops } from "../../api/parts/own_ops.js";

const { ratelimit_limit } = own_ops;

class RateLimiter {
  #index;
  constructor(internal, index) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#index = index;
  }

  async limit(options) {
    const unknown = [];
    const names = typeof options === "object" && options !== null ? ObjectKeys(options) : [];
    for (let i = 0; i < names.length; i++) {
      if (names[i] !== "key") ArrayPrototypePush(unknown, names[i]);
    }
    if (unknown.length > 0) {
      throw new Error(`bad rate limit options: [${ArrayPrototypeJoin(unknown, ",")}]`);
    }
    const key = options?.key ?? "";
    if (typeof key !== "string") throw new Error(`invalid key: ${key}`);
    return { success: await ratelimit_limit(this.#index, key) };
  }
}
finish_class(RateLimiter, "RateLimiter");

export function make_binding(index) {
  return new RateLimiter(kInternal, index);
}
