// node:_stream_passthrough: a class of node:stream by its old name.
import { PassThrough } from "./stream.part.js";

export default PassThrough;
