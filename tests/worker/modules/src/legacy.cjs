const other = require("./other.node.js");
const data = require("./data.json");
exports.names = [other.name, data.a[0], typeof module, typeof exports, typeof __filename];
exports.again = () => require("./other.node.js") === other;
exports.missing = () => require("./none.cjs");
Object.defineProperty(exports, "__esModule", { value: false });
