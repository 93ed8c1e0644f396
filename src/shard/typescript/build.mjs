// Makes the two modules of the TypeScript transformer out of npm's @swc/wasm-typescript:
// worker.js (bundled) and swc.wasm, which the package carries as base64 inside its glue code.
// usage: node build.mjs NODE_MODULES WORKER_JS OUT_JS OUT_WASM
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, entry, outJs, outWasm] = process.argv.slice(2);
const { build } = createRequire(join(modules, "x.js"))("esbuild");
const packageFile = join(modules, "@swc/wasm-typescript/wasm.js");

const glue = readFileSync(packageFile, "utf8");
const carried = /Buffer\.from\('([A-Za-z0-9+/=]+)', 'base64'\)/.exec(glue);
const compile = "new WebAssembly.Module(bytes)";
const utilities = "require(`util`)";
const buffer = "const { Buffer } = require('node:buffer');";
for (const needle of [compile, utilities, buffer]) {
  if (!glue.includes(needle)) throw new Error(`${packageFile} has changed: no ${needle} in it`);
}
if (!carried) throw new Error(`${packageFile} has changed: no base64 module in it`);
writeFileSync(outWasm, Buffer.from(carried[1], "base64"));

// Workers get WebAssembly by import, never from bytes; and they need no Node.js.
const adapted = glue
  .replace(carried[0], "null")
  .replace(compile, "require('./swc.wasm')")
  .replace(utilities, "globalThis")
  .replace(buffer, "");

await build({
  entryPoints: [entry],
  outfile: outJs,
  bundle: true,
  minify: true,
  format: "esm",
  target: "esnext",
  logLevel: "warning",
  nodePaths: [modules],
  plugins: [
    {
      name: "glue",
      setup(b) {
        b.onLoad({ filter: /wasm-typescript[/\\]wasm\.js$/ }, () => ({ contents: adapted, loader: "js" }));
        b.onResolve({ filter: /swc\.wasm$/ }, () => ({ path: "wasm", namespace: "wasm" }));
        b.onLoad({ filter: /.*/, namespace: "wasm" }, () => ({
          contents: 'import wasm from "./module.wasm"; module.exports = wasm;',
          loader: "js",
        }));
        b.onResolve({ filter: /module\.wasm$/ }, () => ({ path: "./swc.wasm", external: true }));
      },
    },
  ],
});
