// node:_stream_writable: a class of node:stream by its old name.
import { Writable } from "./stream.part.js";

export default Writable;
