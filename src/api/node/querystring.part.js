// node:querystring: Node.js's own, as unenv carries it.
import querystring from "unenv/node/querystring";

export const { decode, encode, escape, parse, stringify, unescape } = querystring;
export default querystring;
