// The TypeScript transformer as a worker of its own: one request a module (body: the source, header
// x-file: its name), answered with JSON {code, map} or {error: {message, line, column}}.
import { transformSync } from "@swc/wasm-typescript";

const options = {
  mode: "transform",
  module: true,
  sourceMap: true,
  // Types are elided, and imports that only name types with them, as bundlers do.
  transform: { verbatimModuleSyntax: false, nativeClassProperties: true, noEmptyExport: true },
};

function describe(error) {
  // swc throws {code, message, startLine, startColumn}; anything else is a failure of its own.
  return {
    message: String(error?.message ?? error),
    line: error?.startLine ?? 0,
    column: error?.startColumn === undefined ? 0 : error.startColumn + 1,
  };
}

export default {
  async fetch(request) {
    const filename = request.headers.get("x-file");
    try {
      const { code, map } = transformSync(await request.text(), { ...options, filename });
      return Response.json({ code, map });
    } catch (error) {
      return Response.json({ error: describe(error) });
    }
  },
};
