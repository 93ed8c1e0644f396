// Pipes and brand checks for our own code that has public stream objects.
import { pipe_options, pipe_to } from "./pipe.js";
import { readable_state } from "./readable.js";
import { writable_state } from "./writable.js";

export const is_writable_stream = (value) => writable_state(value) !== undefined;
export const writable_is_locked = (stream) => writable_state(stream).writer !== null;
// As readable.pipeTo(writable).
export const pipe_state_to = (readable, writable) =>
  pipe_to(readable_state(readable), writable_state(writable), pipe_options(undefined));
