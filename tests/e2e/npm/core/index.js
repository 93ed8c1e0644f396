// Node.js's own modules against servers of the test.
import http from "node:http";
import net from "node:net";
import { text } from "node:stream/consumers";
import tls from "node:tls";

function ask(port, path, body) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const options = { host: "127.0.0.1", port, path, method: body ? "POST" : "GET", headers: { "X-Asked": "yes" } };
  const request = http.request(options, async (response) => {
    resolve({ status: response.statusCode, asked: response.headers["x-asked"], text: await text(response) });
  });
  request.on("error", reject);
  request.end(body);
  return promise;
}

async function echo(port) {
  const socket = net.connect(port, "127.0.0.1");
  socket.write("one ");
  socket.end("two");
  return text(socket);
}

function secure(port) {
  const socket = tls.connect({ host: "127.0.0.1", port });
  socket.on("secureConnect", () => socket.write("hello"));
  return text(socket);
}

// TLS on a connection that began in the clear.
async function upgraded(port) {
  const plain = net.connect(port, "127.0.0.1", () => plain.write("starttls"));
  await new Promise((resolve) => plain.once("data", resolve));
  const socket = tls.connect({ socket: plain });
  socket.write("again");
  return text(socket);
}

function refused() {
  const { promise, resolve } = Promise.withResolvers();
  net.connect(1, "127.0.0.1").on("error", (error) => resolve(error.code)).on("connect", () => resolve("connected"));
  return promise;
}

export default {
  async fetch(request, env) {
    return Response.json({
      got: await ask(+env.HTTP, "/x?y=1"), posted: await ask(+env.HTTP, "/echo", "a body"), echo: await echo(+env.ECHO),
      secure: await secure(+env.TLS), upgraded: await upgraded(+env.STARTTLS),
      refused: await refused(), env: process.env.ECHO === env.ECHO,
    });
  },
};
