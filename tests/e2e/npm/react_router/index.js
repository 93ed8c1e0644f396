// What react-router's build makes of an application: a server build, for its request handler.
import { createElement } from "react";
import { renderToReadableStream } from "react-dom/server";
import { Outlet, ServerRouter, createRequestHandler, useLoaderData } from "react-router";

const root = { default: () => createElement("html", null, createElement("body", null, createElement(Outlet))) };
const hive = {
  loader: ({ params }) => ({ name: params.name }),
  default: () => createElement("h1", null, `hive ${useLoaderData().name}`),
};
const data = { loader: () => Response.json({ bees: 42 }) };
const entry = {
  async default(request, status, headers, context) {
    const body = await renderToReadableStream(createElement(ServerRouter, { context, url: request.url }));
    headers.set("Content-Type", "text/html");
    return new Response(body, { headers, status });
  },
};
const manifest_route = (id, parentId, path, has) => ({
  id, parentId, path, hasLoader: has, hasAction: false, hasErrorBoundary: false, hasClientAction: false,
  hasClientLoader: false, hasClientMiddleware: false, hasDefaultExport: true, module: `/${id}.js`, imports: [], css: [],
});
const build = {
  entry: { module: entry },
  routes: {
    root: { id: "root", path: "", module: root },
    hive: { id: "hive", parentId: "root", path: "hive/:name", module: hive },
    data: { id: "data", parentId: "root", path: "data", module: data },
  },
  assets: {
    entry: { module: "/entry.js", imports: [] }, url: "/manifest.js", version: "1",
    routes: {
      root: manifest_route("root", undefined, "", false), hive: manifest_route("hive", "root", "hive/:name", true),
      data: manifest_route("data", "root", "data", true),
    },
  },
  assetsBuildDirectory: "build", publicPath: "/", basename: "/", future: {}, ssr: true, isSpaMode: false, prerender: [],
  routeDiscovery: { mode: "initial" },
};
const handler = createRequestHandler(build, "production");

export default { fetch: (request) => handler(request) };
