// node:http2: what is in it is there, and refuses where a Worker cannot do it (unenv).
import module from "unenv/node/http2";

export default module;
