// A web page: the smallest Worker that a browser can show.
const page = `<!doctype html>
<meta charset="utf-8">
<title>Hello from skep</title>
<h1>Hello, world!</h1>
<p>This page came from a Worker, running in an isolate of a process that can open nothing.</p>
`;

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/text") return new Response("Hello, world!\n");
    if (pathname !== "/") return new Response("Not found\n", { status: 404 });
    return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
  },
};
