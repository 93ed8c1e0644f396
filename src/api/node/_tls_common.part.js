// node:_tls_common: parts of node:tls by their old name.
import tls from "./tls.part.js";

export default tls;
