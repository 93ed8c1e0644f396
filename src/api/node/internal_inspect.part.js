// util.inspect and util.format: Node.js's own, as the package node-inspect-extracted has them.
export { inspect, format, formatWithOptions } from "node-inspect-extracted";
