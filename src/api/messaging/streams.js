// Transferring streams (Streams standard, 8.2): the original is locked and piped into the one that takes
// its place, chunk by chunk, each cloned.
import { DOMException } from "../dom/dom_exception.js";
import { mark_handled } from "../streams/promises.js";
import { is_locked, is_readable_stream } from "../streams/streams.js";
import { make_transform, pipe_state_to, transform_enqueue, writable_is_locked, is_writable_stream }
  from "../streams/writable.part.js";
import { clone_value } from "../structured_clone/structured_clone.js";

function identity() {
  return make_transform((chunk, t) => transform_enqueue(t, clone_value(chunk)));
}

// {object, port: false, move()}; null where it is no stream that can be transferred.
export function move_stream(stream) {
  const readable = is_readable_stream(stream);
  if (!readable && !is_writable_stream(stream)) return null;
  if (readable ? is_locked(stream) : writable_is_locked(stream)) {
    throw new DOMException("A locked stream cannot be transferred.", "DataCloneError");
  }
  const pair = identity();
  const move = () => mark_handled(readable ? pipe_state_to(stream, pair.writable)
    : pipe_state_to(pair.readable, stream));
  return { __proto__: null, object: readable ? pair.readable : pair.writable, port: false, move };
}
