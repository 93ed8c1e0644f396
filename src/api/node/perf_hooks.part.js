// node:perf_hooks: what is in it is there, and refuses where a Worker cannot do it (unenv).
import module from "unenv/node/perf_hooks";

export default module;
