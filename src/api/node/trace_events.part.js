// node:trace_events: what is in it is there, and refuses where a Worker cannot do it (unenv).
import module from "unenv/node/trace_events";

export default module;
