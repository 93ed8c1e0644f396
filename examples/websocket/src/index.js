// A page that talks to its worker over WebSockets: /echo sends back what it gets, /clock ticks.
import page from "./page.html";

function echo(socket) {
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", (event) => socket.send(event.data));
}

function clock(socket) {
  let ticks = 0;
  const tick = () => socket.send(`tick ${++ticks}`);
  tick();
  const timer = setInterval(tick, 200);
  socket.addEventListener("close", () => clearInterval(timer));
}

const rooms = { "/echo": echo, "/clock": clock };

export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    const open = rooms[pathname];
    if (!open) return new Response(page, { headers: { "Content-Type": "text/html;charset=utf-8" } });
    if (request.headers.get("Upgrade") !== "websocket") {
      return new Response("This address speaks WebSocket.\n", { status: 426 });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    open(server);
    return new Response(null, { status: 101, webSocket: client });
  },
};
