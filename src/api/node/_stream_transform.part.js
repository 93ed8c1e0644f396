// node:_stream_transform: a class of node:stream by its old name.
import { Transform } from "./stream.part.js";

export default Transform;
