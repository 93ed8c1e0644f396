import { RpcStub, RpcTarget, WorkerEntrypoint, env as imported } from "cloudflare:workers";

function equal(actual, expected) {
  const texts = [JSON.stringify(actual), JSON.stringify(expected)];
  if (texts[0] !== texts[1]) throw new Error(`${texts[0]} is not ${texts[1]}`);
}

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
  throw new Error("it did not fail");
}

class Box extends RpcTarget {
  #value;
  constructor(value) {
    super();
    this.#value = value;
  }
  get value() {
    return this.#value;
  }
  set(value) {
    this.#value = value;
    return this;
  }
  box() {
    return new Box(this.#value);
  }
}

export class Tools extends WorkerEntrypoint {
  props() {
    return this.ctx.props;
  }
  box(value) {
    return new Box(value);
  }
  echo(...values) {
    return values;
  }
  async sum(next) {
    let sum = 0;
    for (let value = await next(); value !== undefined; value = await next()) sum += value;
    return sum;
  }
  async length(stream) {
    let length = 0;
    for await (const chunk of stream) length += chunk.length;
    return length;
  }
  zeros(chunks) {
    let left = chunks;
    return new ReadableStream({
      type: "bytes",
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(10000));
        else controller.close();
      },
    });
  }
  throws(value) {
    throw value;
  }
}

export default {
  async fetch(request) {
    return new Response(`${request.method} ${await request.text()}`);
  },
  hello(name, env, ctx) {
    return [name, Object.keys(env).length, typeof ctx.waitUntil];
  },
};

export const props = {
  async test(controller, env) {
    equal(await env.TOOLS.props(), { unit: "cm", list: [1, { a: null }] });
  },
};

export const plain_handlers = {
  async test(controller, env) {
    equal(await env.SELF.hello("a"), ["a", 2, "function"]);
    const response = await imported.SELF.fetch("http://self/", { method: "POST", body: "body" });
    equal(await response.text(), "POST body");
  },
};

export const targets = {
  async test(controller, env) {
    using box = await env.TOOLS.box(1);
    equal(box instanceof RpcStub, true);
    equal(await box.value, 1);
    equal(await box.set(2).box().value, 2);
    using twin = box.dup();
    box[Symbol.dispose]();
    equal(await twin.value, 2);
    equal(await failure(box.value), "Error: RPC stub used after being disposed.");
  },
};

export const cycles_and_shared_objects = {
  async test(controller, env) {
    const value = { name: "a", call: () => 5 };
    value.self = value;
    value.list = [value, new Map([["k", value]]), new Set([value])];
    const [back] = await env.TOOLS.echo(value);
    equal(back.self === back && back.list[0] === back && back.list[1].get("k") === back, true);
    equal(back.list[2].has(back), true);
    equal(await back.call(), 5);
  },
};

export const many_calls_of_a_function = {
  async test(controller, env) {
    let n = 0;
    equal(await env.TOOLS.sum(() => (n < 200 ? n++ : undefined)), 19900);
  },
};

export const streams = {
  async test(controller, env) {
    equal(await env.TOOLS.length(await env.TOOLS.zeros(100)), 1_000_000);
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const length = env.TOOLS.length(readable);
    for (let i = 0; i < 20; i++) await writer.write(new Uint8Array(1000));
    await writer.close();
    equal(await length, 20000);
    const stream = await env.TOOLS.zeros(1e9);
    const reader = stream.getReader();
    equal((await reader.read()).value.length, 10000);
    await reader.cancel("enough");
  },
};

export const streams_of_other_things = {
  async test(controller, env) {
    const stream = new ReadableStream({ start: (c) => c.enqueue("text") });
    equal(await failure(env.TOOLS.length(stream)),
      "TypeError: A ReadableStream that is sent over RPC must be a stream of bytes (Uint8Array).");
  },
};

export const exceptions = {
  async test(controller, env) {
    const own = new TypeError("a");
    own.code = 7;
    own.detail = { b: [1] };
    try {
      await env.TOOLS.throws(own);
    } catch (error) {
      equal([error instanceof TypeError, error.message, error.code, error.detail, error.remote],
        [true, "a", 7, { b: [1] }, true]);
      equal(typeof error.stack, "string");
    }
    try {
      await env.TOOLS.throws("a string");
    } catch (error) {
      equal(error, "a string");
    }
    const error = await env.TOOLS.throws(new DOMException("gone", "NotFoundError")).catch((e) => e);
    equal([error instanceof DOMException, error.name, error.message], [true, "NotFoundError", "gone"]);
  },
};

export const names_of_every_object_are_local = {
  async test(controller, env) {
    equal(typeof env.TOOLS.toString(), "string");
    equal(await failure(env.TOOLS.constructor_()),
      'TypeError: The RPC receiver does not implement the method "constructor_".');
    equal(await failure(env.TOOLS.dup()),
      "TypeError: 'dup' is a reserved method and cannot be called over RPC.");
  },
};

export const prototypes_that_were_changed = {
  async test(controller, env) {
    const { push, map } = Array.prototype;
    const { then } = Promise.prototype;
    const get = Map.prototype.get;
    try {
      Array.prototype.push = Array.prototype.map = Map.prototype.get = () => {
        throw new Error("called");
      };
      equal(await env.TOOLS.echo(1, [2], () => 3).then((list) => list.length), 3);
    } finally {
      Object.assign(Array.prototype, { push, map });
      Promise.prototype.then = then;
      Map.prototype.get = get;
    }
  },
};

export const waits_for_what_is_not_awaited = {
  async test(controller, env, ctx) {
    const box = env.TOOLS.box(0);
    for (let i = 1; i <= 20; i++) box.set(i);
    equal(await box.value, 20);
  },
};
