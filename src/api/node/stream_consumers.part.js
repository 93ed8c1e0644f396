// node:stream/consumers: all of a stream, as one value.
import { Buffer } from "./buffer.part.js";

async function chunks_of(stream) {
  const chunks = [];
  for await (const chunk of stream) {
    if (typeof chunk === "string") chunks.push(Buffer.from(chunk));
    else if (ArrayBuffer.isView(chunk))
      chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    else chunks.push(Buffer.from(chunk));
  }
  return chunks;
}

const buffer = async (stream) => Buffer.concat(await chunks_of(stream));
const bytes = async (stream) => new Uint8Array(await arrayBuffer(stream));
async function arrayBuffer(stream) {
  const all = await buffer(stream);
  return all.buffer.slice(all.byteOffset, all.byteOffset + all.byteLength);
}
const blob = async (stream) => new Blob(await chunks_of(stream));
const text = async (stream) => new TextDecoder().decode(await buffer(stream));
const json = async (stream) => JSON.parse(await text(stream));

export default { arrayBuffer, blob, buffer, bytes, json, text };
