// node:sys, the old name of node:util.
import util from "./util.part.js";

export default util;
