// node:inspector/promises: what is in it is there, and refuses where a Worker cannot do it (unenv).
import module from "unenv/node/inspector/promises";

export default module;
