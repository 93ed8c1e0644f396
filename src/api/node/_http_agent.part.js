// node:_http_agent: parts of node:http by their old name.
import { Agent, globalAgent } from "./http.part.js";

export default { Agent, globalAgent };
