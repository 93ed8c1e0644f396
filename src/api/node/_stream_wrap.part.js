// node:_stream_wrap.
import { refusing_class } from "./lib/stubs.js";

export default refusing_class("stream", "JSStreamSocket");
