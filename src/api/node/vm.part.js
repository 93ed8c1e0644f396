// node:vm: what is in it is there, and refuses where a Worker cannot do it (unenv).
import module from "unenv/node/vm";

export default module;
