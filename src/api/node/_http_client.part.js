// node:_http_client: parts of node:http by their old name.
import { ClientRequest } from "./http.part.js";

export default { ClientRequest };
