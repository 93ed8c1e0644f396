// cloudflare:node: a server of node:http as a Worker's fetch handler.
import { handle_as_node_request, server_handler } from "./http.part.js";

export const handleAsNodeRequest = handle_as_node_request;
export const httpServerHandler = server_handler;
