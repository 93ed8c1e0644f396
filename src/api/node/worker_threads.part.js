// node:worker_threads: what is in it is there, and refuses where a Worker cannot do it (unenv).
import module from "unenv/node/worker_threads";

export default module;
