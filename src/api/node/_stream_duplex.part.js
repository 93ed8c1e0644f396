// node:_stream_duplex: a class of node:stream by its old name.
import { Duplex } from "./stream.part.js";

export default Duplex;
