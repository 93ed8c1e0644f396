// node:v8: what is in it is there, and refuses where a Worker cannot do it (unenv).
import module from "unenv/node/v8";

export default module;
