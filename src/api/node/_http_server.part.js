// node:_http_server: parts of node:http by their old name.
import { Server, ServerResponse, STATUS_CODES } from "./http.part.js";

export default { Server, ServerResponse, STATUS_CODES };
