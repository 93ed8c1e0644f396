// An image filter in WebAssembly, compiled from C: POST a PPM image, get it back grey and inverted.
import module from "./filter.wasm";

const { exports: wasm } = new WebAssembly.Instance(module);
const errors = { 1: "not a PPM image (type P6, 8 bits a channel)", 2: "the image is cut short" };

export default {
  async fetch(request) {
    if (request.method !== "POST") {
      return new Response("POST a PPM image: curl --data-binary @image.ppm\n", { status: 405, headers: { allow: "POST" } });
    }
    const input = new Uint8Array(await request.arrayBuffer());
    const at = wasm.reserve(input.length);
    if (at === 0) return new Response("the image is too large\n", { status: 413 });
    const place = new Uint8Array(wasm.memory.buffer, at, input.length);
    place.set(input);
    const status = wasm.filter(at);
    if (status !== 0) return new Response(`${errors[status]}\n`, { status: 400 });
    return new Response(place.slice(), { headers: { "content-type": "image/x-portable-pixmap" } });
  },
};
