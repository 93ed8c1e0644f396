// node:_http_outgoing: parts of node:http by their old name.
import { OutgoingMessage } from "./http.part.js";

export default { OutgoingMessage };
