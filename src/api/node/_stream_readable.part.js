// node:_stream_readable: a class of node:stream by its old name.
import { Readable } from "./stream.part.js";

export default Readable;
