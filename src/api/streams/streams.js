// What the rest of the runtime uses of streams, and the place where all stream classes become
// globals. Those that write are a part.
import { byte_close as close_bytes, byte_enqueue_view, setup_bytes } from "./byte.js";
import { expose_lazy } from "../parts/parts.js";
import { resolved } from "./promises.js";
import {
  acquire,
  cancel_by_reader,
  is_locked_state,
  kReadable,
  make_readable,
  read,
  readable_state,
  release,
  tee_state,
} from "./readable.js";
import { iterate_source } from "./from.js";

export { byte_error } from "./byte.js";
export { is_readable_stream } from "./readable.js";

const writable_classes = [
  "WritableStream", "WritableStreamDefaultController", "WritableStreamDefaultWriter", "TransformStream",
  "TransformStreamDefaultController", "IdentityTransformStream", "FixedLengthStream",
];
for (let i = 0; i < writable_classes.length; i++) {
  expose_lazy(writable_classes[i], "streams/writable");
}

// {stream, controller}: a byte stream that our own code fills. pull() and cancel(reason) are plain
// functions and may return a promise.
export function new_byte_stream(source) {
  const state = make_readable();
  const controller = setup_bytes(state, () => undefined, () => source.pull() ?? resolved(),
                                 (reason) => source.cancel(reason) ?? resolved(), 0, undefined);
  return { stream: state.stream, controller };
}

export const byte_enqueue = byte_enqueue_view;

export function byte_close(controller) {
  if (controller.close_requested || controller.stream.state !== kReadable) return;
  close_bytes(controller);
  // Reads with views that wait are answered with empty ones.
  if (controller.pending.length > 0) controller.respond_closed();
}

export const is_locked = (stream) => is_locked_state(readable_state(stream));
export const is_disturbed = (stream) => readable_state(stream).disturbed;
export const acquire_reader = (stream) => acquire(readable_state(stream), false);
export const reader_read = read;
export const reader_cancel = cancel_by_reader;
export const reader_release = release;

export function tee_stream(stream, clone = undefined) {
  const branches = tee_state(readable_state(stream), clone);
  return [branches[0].stream, branches[1].stream];
}

export const stream_from = (iterable) => iterate_source(iterable).stream;

export const stream_expected_length = (stream) => readable_state(stream).length;
