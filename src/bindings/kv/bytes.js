// Lengths and copies of bytes that KV needs.
import {
  ArrayBufferIsView,
  StringPrototypeCharCodeAt,
  TypedArrayPrototypeSet,
  Uint8Array,
} from "../../api/base/primordials.js";

// Of a well-formed string.
export function utf8_length(string) {
  let bytes = string.length;
  for (let i = 0; i < string.length; i++) {
    const unit = StringPrototypeCharCodeAt(string, i);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}

// A view or a buffer as bytes, where they lie.
export function as_bytes(value) {
  return ArrayBufferIsView(value) ?
    new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
}

export function concat_chunks(chunks) {
  if (chunks.length === 1) return as_bytes(chunks[0]);
  let total = 0;
  for (let i = 0; i < chunks.length; i++) total += chunks[i].byteLength;
  const bytes = new Uint8Array(total);
  let at = 0;
  for (let i = 0; i < chunks.length; i++) {
    const chunk = as_bytes(chunks[i]);
    TypedArrayPrototypeSet(bytes, chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
