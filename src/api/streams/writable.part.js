// The part of streams that writes: WritableStream, TransformStream and Workers' own kinds of it, pipes.
export { FixedLengthStream, IdentityTransformStream } from "./identity.js";
export { pipe_options, pipe_to } from "./pipe.js";
export { is_writable_stream, pipe_state_to, writable_is_locked } from "./public_pipe.js";
export { TransformStream, TransformStreamDefaultController, make_transform, transform_enqueue,
  transform_wanted } from "./transform.js";
export { WritableStream, WritableStreamDefaultController, WritableStreamDefaultWriter, create_writable,
  writable_state } from "./writable.js";
