// The global fetch(). Outbound requests are not part of this version.
import { ops } from "../base/ops.js";
import { expose_function } from "../base/expose.js";
import { Error } from "../base/primordials.js";
import { require_args } from "../base/webidl.js";
import { Request } from "./request.js";

const { event_require } = ops;

async function fetch(input, init = undefined) {
  require_args(arguments.length, 1, "fetch", "ServiceWorkerGlobalScope");
  event_require();
  new Request(input, init);  // what is wrong with the arguments is said first
  throw new Error("Outbound fetch() is not available in this version of skep.");
}

expose_function(fetch, "fetch");
