// StoreSecret: what a secrets_store_secrets binding is in env. Native half: secrets.cc.
import { finish_class } from "../../api/base/expose.js";
import { kInternal } from "../../api/base/internal.js";
import { illegal_constructor } from "../../api/base/webidl.js";
import { own_ops } from "../../api/parts/own_ops.js";

const { secrets_get } = own_ops;

class StoreSecret {
  #index;
  constructor(internal, index) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#index = index;
  }

  async get() {
    return await secrets_get(this.#index);
  }
}
finish_class(StoreSecret, "StoreSecret");

export function make_binding(index) {
  return new StoreSecret(kInternal, index);
}
