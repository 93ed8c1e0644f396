// The bindings ASSETS, LIMIT, SECRET and VERSION as a Worker uses them.
function equal(actual, expected) {
  if (actual !== expected) throw new Error(`${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

async function rejects(promise, message) {
  try {
    await promise;
  } catch (error) {
    return equal(error.message, message);
  }
  throw new Error(`nothing was thrown instead of ${message}`);
}

const at = (path) => `https://any.example${path}`;

export const files = {
  async test(controller, env) {
    const response = await env.ASSETS.fetch(at("/text.txt"));
    equal(response.status, 200);
    equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
    equal(response.headers.get("x-rule"), "of text");
    equal(await response.text(), "plain text\n");
    equal(await (await env.ASSETS.fetch(at("/"))).text(), "<h1>home</h1>\n");
    const again = await env.ASSETS.fetch(at("/text.txt"), {
      headers: { "If-None-Match": response.headers.get("etag") },
    });
    equal(again.status, 304);
    equal(again.body, null);
    const part = await env.ASSETS.fetch(new Request(at("/text.txt"), { headers: { Range: "bytes=6-" } }));
    equal(part.status, 206);
    equal(await part.text(), "text\n");
  },
};

export const what_is_no_file = {
  async test(controller, env) {
    const lost = await env.ASSETS.fetch(at("/no/such/page"));
    equal(lost.status, 404);
    equal(await lost.text(), "<h1>lost</h1>\n");
    const moved = await env.ASSETS.fetch(at("/index.html?x"));
    equal(moved.status, 307);
    equal(moved.headers.get("location"), "/?x");
    equal((await env.ASSETS.fetch(at("/text.txt"), { method: "POST", body: "x" })).status, 405);
    const head = await env.ASSETS.fetch(at("/text.txt"), { method: "HEAD" });
    equal(head.status, 200);
    equal(await head.text(), "");
    // The plain spelling of it, which the URL standard takes for /wrangler.toml.
    equal((await env.ASSETS.fetch(at("/..%2fwrangler.toml"))).headers.get("location"), "/../wrangler.toml");
    equal((await env.ASSETS.fetch(at("/../wrangler.toml"))).status, 404);
    let refused;
    await env.ASSETS.fetch("/relative").catch((error) => { refused = error; });
    equal(refused instanceof TypeError, true);
  },
};

export const a_large_file_is_a_stream = {
  async test(controller, env) {
    const response = await env.ASSETS.fetch(at("/large.txt"));
    let bytes = 0;
    let chunks = 0;
    for await (const chunk of response.body) {
      bytes += chunk.byteLength;
      chunks++;
    }
    equal(bytes, 300000);
    equal(chunks > 1, true);
    const both = await Promise.all([1, 2].map(() => env.ASSETS.fetch(at("/large.txt"))));
    await both[0].body.cancel();
    equal((await both[1].text()).slice(-10), "000029999\n");
  },
};

export const prototypes_that_were_rewritten = {
  async test(controller, env) {
    const kept = Array.prototype[Symbol.iterator];
    Array.prototype[Symbol.iterator] = () => { throw new Error("seen"); };
    try {
      const response = await env.ASSETS.fetch(at("/text.txt"));
      equal(await response.text(), "plain text\n");
      equal((await env.LIMIT.limit({ key: "rewritten" })).success, true);
    } finally {
      Array.prototype[Symbol.iterator] = kept;
    }
  },
};

export const rate_limit = {
  async test(controller, env) {
    const taken = [];
    for (let i = 0; i < 3; i++) taken.push((await env.LIMIT.limit({ key: "k" })).success);
    equal(taken.filter(Boolean).length >= 2, true);
    equal((await env.LIMIT.limit({ key: "other" })).success, true);
    await rejects(env.LIMIT.limit({ key: "k", count: 2 }), "bad rate limit options: [count]");
    await rejects(env.LIMIT.limit({ key: 1 }), "invalid key: 1");
    await rejects(env.LIMIT.limit({ key: "x".repeat(5000) }), "the key of a rate limit is too long");
  },
};

export const secret_and_version = {
  async test(controller, env) {
    await rejects(env.SECRET.get(), 'Secret "none" not found');
    equal(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(env.VERSION.id), true);
    equal(new Date(env.VERSION.timestamp).toISOString(), env.VERSION.timestamp);
    equal(env.VERSION.tag, "");
  },
};

export const another_binding_is_not_its_receiver = {
  async test(controller, env) {
    for (const [method, receiver] of [
      [env.ASSETS.fetch, env.LIMIT], [env.LIMIT.limit, env.SECRET], [env.SECRET.get, env.ASSETS],
      [env.LIMIT.limit, {}],
    ]) {
      let failed = false;
      try {
        await method.call(receiver, "https://any.example/");
      } catch (error) {
        failed = error instanceof TypeError;
      }
      equal(failed, true);
    }
  },
};

export default { fetch: () => new Response() };
