// Assets: the ASSETS member of env, whose fetch() answers from the worker's own assets. Native half:
// assets_ops.cc.
import { finish_class } from "../../api/base/expose.js";
import { kInternal } from "../../api/base/internal.js";
import { TypedArrayPrototypeGetByteLength } from "../../api/base/primordials.js";
import { illegal_constructor, require_args } from "../../api/base/webidl.js";
import { is_request, Request, request_parts } from "../../api/fetch/request.js";
import { Response } from "../../api/fetch/response.js";
import { own_ops } from "../../api/parts/own_ops.js";
import { byte_close, byte_enqueue, new_byte_stream } from "../../api/streams/streams.js";

const { assets_fetch, assets_read } = own_ops;

function stream_of(id) {
  const { stream, controller } = new_byte_stream({
    pull: async () => {
      const chunk = await assets_read(id);
      if (TypedArrayPrototypeGetByteLength(chunk) === 0) return byte_close(controller);
      byte_enqueue(controller, chunk);
    },
    cancel: () => undefined,
  });
  return stream;
}

class Fetcher {
  #index;
  constructor(internal, index) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#index = index;
  }

  async fetch(input, init = undefined) {
    require_args(arguments.length, 1, "fetch", "Fetcher");
    const request = init === undefined && is_request(input) ? input : new Request(input, init);
    const { method, url, headers } = request_parts(request);
    const answer = await assets_fetch(this.#index, method, url, headers);
    // A record, not pairs: those would be walked over with the user's iterators.
    const fields = { __proto__: null };
    for (let i = 2; i < answer.length; i += 2) {
      const name = answer[i];
      fields[name] = name in fields ? `${fields[name]}, ${answer[i + 1]}` : answer[i + 1];
    }
    const body = typeof answer[1] === "number" ? stream_of(answer[1]) : answer[1];
    return new Response(body, { __proto__: null, status: answer[0], headers: fields });
  }
}
finish_class(Fetcher, "Fetcher");

export function make_binding(index) {
  return new Fetcher(kInternal, index);
}
