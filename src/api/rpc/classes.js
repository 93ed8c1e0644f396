// The classes of JavaScript RPC that cloudflare:workers exports. What they do is in the part rpc/rpc,
// which is loaded when a stub is first made; the stubs it makes inherit from these prototypes.
import { finish_class } from "../base/expose.js";
import { illegal_constructor } from "../base/webidl.js";
import { load_part } from "../parts/parts.js";

export class RpcStub {
  constructor(target) {
    return load_part("rpc/rpc").local_stub(target);
  }
}
export class RpcPromise {
  constructor() {
    throw illegal_constructor();
  }
}
export class RpcProperty {
  constructor() {
    throw illegal_constructor();
  }
}
export class ServiceStub {
  constructor() {
    throw illegal_constructor();
  }
}
finish_class(RpcStub, "RpcStub");
finish_class(RpcPromise, "RpcPromise");
finish_class(RpcProperty, "RpcProperty");
finish_class(ServiceStub, "Fetcher");
