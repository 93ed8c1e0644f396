// WebSockets are a part (websocket.part.js); this is what the snapshot has of it: how the part is reached.
import { expose_lazy, load_part } from "../parts/parts.js";

const part = () => load_part("websocket/websocket");

export const is_web_socket = (value) => part().is_web_socket(value);
export const respond_with_socket = (id, socket, headers) => part().respond_with_socket(id, socket, headers);
export const socket_of_origin = (subrequest) => part().socket_of_origin(subrequest);
// From native code.
export const web_socket_event = (a, b, c, d) => part().web_socket_event(a, b, c, d);

expose_lazy("MessageEvent", "websocket/events");
expose_lazy("CloseEvent", "websocket/events");
expose_lazy("WebSocket", "websocket/websocket");
expose_lazy("WebSocketPair", "websocket/websocket");
