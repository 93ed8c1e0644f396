import { check, refused, same } from "./check.js";

async function all_of(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

export const through_pipes = {
  async test() {
    const source = new ReadableStream({
      start(controller) {
        for (const word of ["one", "two", "three"]) controller.enqueue(word);
        controller.close();
      },
    });
    const upper = new TransformStream({
      transform(chunk, controller) { controller.enqueue(chunk.toUpperCase()); },
      flush(controller) { controller.enqueue("END"); },
    });
    same(await all_of(source.pipeThrough(upper)), ["ONE", "TWO", "THREE", "END"]);
  },
};

export const back_pressure = {
  async test() {
    let pulls = 0;
    const endless = new ReadableStream({ pull(controller) { controller.enqueue(++pulls); } }, { highWaterMark: 2 });
    const reader = endless.getReader();
    same((await reader.read()).value, 1);
    await scheduler.wait(1);
    check(pulls <= 4, `${pulls} chunks were made for one reader's one`);
    await reader.cancel("enough");
    same((await reader.read()).done, true);
  },
};

export const bytes = {
  async test() {
    const stream = new ReadableStream({
      type: "bytes",
      pull(controller) {
        const view = controller.byobRequest?.view;
        if (view) {
          new Uint8Array(view.buffer, view.byteOffset, view.byteLength).fill(7);
          controller.byobRequest.respond(view.byteLength);
        } else {
          controller.enqueue(new Uint8Array([1, 2, 3]));
        }
      },
    });
    const reader = stream.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(5));
    same([...value], [7, 7, 7, 7, 7]);
    await reader.cancel();
  },
};

export const identity_and_fixed_length = {
  async test() {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const written = writer.write(new TextEncoder().encode("in")).then(() => writer.close());
    same(await new Response(readable).text(), "in");
    await written;
    const fixed = new FixedLengthStream(3);
    const fixed_writer = fixed.writable.getWriter();
    const reading = new Response(fixed.readable).text().catch((error) => error.name);
    await fixed_writer.write(new Uint8Array(2));
    await refused(() => fixed_writer.close(), "TypeError");
    same(await reading, "TypeError");
  },
};

export const tee_and_errors = {
  async test() {
    const [a, b] = new Response("both").body.tee();
    same([await new Response(a).text(), await new Response(b).text()], ["both", "both"]);
    const broken = new ReadableStream({ start(controller) { controller.error(new RangeError("broken")); } });
    await refused(() => broken.getReader().read(), "RangeError", "broken");
    await refused(() => new Response(new ReadableStream({
      pull() { throw new SyntaxError("in pull"); } })).text(), "SyntaxError");
    const locked = new Response("x");
    locked.body.getReader();
    await refused(() => locked.text(), "TypeError");
  },
};

export const decoding = {
  async test() {
    const euro = new TextEncoder().encode("€");
    const stream = ReadableStream.from([euro.subarray(0, 1), euro.subarray(1)]);
    same((await all_of(stream.pipeThrough(new TextDecoderStream()))).join(""), "€");
    const encoded = await all_of(ReadableStream.from(["\ud83d", "\ude00"]).pipeThrough(new TextEncoderStream()));
    same(encoded.flatMap((chunk) => [...chunk]), [0xf0, 0x9f, 0x98, 0x80]);
  },
};
