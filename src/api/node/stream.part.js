// node:stream: Node.js's own streams, as the package readable-stream has them, with the bridges to
// the streams of the web platform.
import stream from "readable-stream/lib/stream.js";
import { Buffer } from "./buffer.part.js";
import { add_bridges } from "./lib/stream_web.js";

add_bridges(stream, Buffer);
stream.isErrored = (one) =>
  Boolean(one?.errored ?? one?._readableState?.errored ?? one?._writableState?.errored);
stream.isReadable = (one) =>
  one?.readable === undefined ? null : Boolean(one.readable && !one.destroyed);
stream.isWritable = (one) =>
  one?.writable === undefined ? null : Boolean(one.writable && !one.destroyed);

export const {
  Duplex,
  PassThrough,
  Readable,
  Stream,
  Transform,
  Writable,
  addAbortSignal,
  compose,
  destroy,
  finished,
  getDefaultHighWaterMark,
  isDestroyed,
  isDisturbed,
  isErrored,
  isReadable,
  isWritable,
  pipeline,
  promises,
  setDefaultHighWaterMark,
} = stream;
export default stream;
