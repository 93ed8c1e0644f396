// node:_http_incoming: parts of node:http by their old name.
import { IncomingMessage } from "./http.part.js";

export default { IncomingMessage };
