// node:child_process: what is in it is there, and refuses where a Worker cannot do it (unenv).
import module from "unenv/node/child_process";

export default module;
