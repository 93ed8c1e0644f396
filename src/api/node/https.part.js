// node:https: node:http's client and server for https: URLs; TLS is the runtime's.
import { Agent as HttpAgent, Server, make_request } from "./http.part.js";

class Agent extends HttpAgent {
  constructor(options) {
    super(options);
    this.defaultPort = 443;
    this.protocol = "https:";
  }
}
const globalAgent = new Agent();
const request = make_request("https:");
function get(...args) {
  const req = request(...args);
  req.end();
  return req;
}
const createServer = (options, listener) => new Server(options, listener);

export default { Agent, Server, createServer, get, globalAgent, request };
