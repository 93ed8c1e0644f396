// Bundles the runtime's JavaScript: what goes into the start-up snapshot, from runtime.js, and each
// part (NAME.part.js), which an isolate loads when it first needs it. See README.md for what parts
// are. A part shares the snapshot's modules: what it imports from them is an element of one list,
// `core`, that the snapshot carries.
// usage: node bundle.mjs NODE_MODULES RUNTIME.js OUT_RUNTIME.js OUT_PARTS PART.js…
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { writeFileSync } from "node:fs";

const [modules, runtime, out_runtime, out_parts, ...part_files] = process.argv.slice(2);
const { build } = createRequire(join(modules, "x.js"))("esbuild");
const root = dirname(resolve(runtime));

const common = {
  bundle: true, write: false, target: "esnext", logLevel: "warning", nodePaths: [modules],
  define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
};

// "crypto/subtle" for …/crypto/subtle.part.js
function part_name(file) {
  return basename(dirname(file)) + "/" + basename(file, ".part.js");
}

const parts = new Map();
for (const file of part_files.map((name) => resolve(name)).sort()) {
  const name = part_name(file);
  if (parts.has(name)) throw new Error(`${file} and ${parts.get(name).file}: two parts of one name`);
  parts.set(name, { name, file, exports: [] });
}
const part_of_file = new Map([...parts.values()].map((part) => [part.file, part]));

// The files that the snapshot has.
const first = await build({ ...common, entryPoints: [runtime], metafile: true });
const in_snapshot = new Set(Object.keys(first.metafile.inputs).map((name) => resolve(name)));

// [file, export name] of everything that parts take from the snapshot, in order.
const core = [];
const core_index = new Map();
function core_slot(file, name) {
  const key = `${file}\n${name}`;
  if (!core_index.has(key)) {
    core_index.set(key, core.length);
    core.push([file, name]);
  }
  return core_index.get(key);
}

// What packages ask for that the runtime has otherwise.
const replaced = new Map([
  ["process/", join(root, "node/lib/process_shim.js")],
  ["abort-controller", join(root, "node/lib/abort_shim.js")],
  ["string_decoder/", "node/string_decoder"], ["buffer", "node/buffer"], ["events", "node/events"],
]);

// What an import inside a part means: a file of the snapshot, another part, another file, or
// what esbuild makes of it.
function target_of(args, self) {
  if (args.kind === "entry-point") return null;
  if (args.path.startsWith("node:")) {
    const part = parts.get("node/" + args.path.slice(5).replaceAll("/", "_"));
    if (!part) throw new Error(`${args.importer}: there is no part for ${args.path}`);
    return { namespace: "part", path: part.name };
  }
  const other = replaced.get(args.path);
  if (other !== undefined) {
    return parts.has(other) ? { namespace: "part", path: other } : { namespace: "file", path: other };
  }
  if (!args.path.startsWith(".")) return null;
  const file = resolve(args.resolveDir, args.path);
  if (in_snapshot.has(file)) return { namespace: "core", path: file };
  const part = part_of_file.get(file);
  if (part && part.file !== self) return { namespace: "part", path: part.name };
  return null;
}

// First pass: the names that a part exports, and those that it imports.
async function survey(part) {
  part.required = new Set();  // wholly: by require() or import *
  const result = await build({
    ...common, entryPoints: [part.file], format: "esm", metafile: true,
    plugins: [{
      name: "survey",
      setup(b) {
        b.onResolve({ filter: /.*/ }, (args) => {
          const target = target_of(args, part.file);
          if (target?.namespace === "file") return target;
          if (target && args.kind === "require-call") part.required.add(target.path);
          return target && { path: `${target.namespace}:${target.path}`, external: true };
        });
      },
    }],
  });
  part.exports = Object.values(result.metafile.outputs)[0].exports;
  part.imports = new Map();
  const statement = /(?:^|\n)import ([^;]*?) from "((?:core|part):[^"]+)";/g;
  for (const [, clause, target] of result.outputFiles[0].text.matchAll(statement)) {
    const names = part.imports.get(target) ?? new Set();
    if (clause.includes("*")) {
      if (target.startsWith("core:")) throw new Error(`${part.file}: import * of ${target}`);
      part.required.add(target.slice(5));
    }
    const braces = /\{([^}]*)\}/.exec(clause);
    if (!clause.startsWith("{")) names.add("default");
    for (const item of (braces?.[1] ?? "").split(",")) {
      const name = item.trim().split(/\s+as\s+/)[0];
      if (name) names.add(name);
    }
    part.imports.set(target, names);
  }
  for (const name of part.required) {
    if (!part.imports.has(`part:${name}`)) part.imports.set(`part:${name}`, new Set());
  }
}

function shim(part, target) {
  const taken = part.required.has(target.slice(5)) ? parts.get(target.slice(5)).exports
    : part.imports.get(target) ?? [];
  const names = [...taken];
  const line = (name, value) =>
    name === "default" ? `export default ${value};` : `export const ${name} = ${value};`;
  if (target.startsWith("core:")) {
    const file = target.slice(5);
    return names.map((name) => line(name, `__skep_core[${core_slot(file, name)}]`)).join("\n");
  }
  const other = parts.get(target.slice(5));
  for (const name of names) {
    if (!other.exports.includes(name)) throw new Error(`${part.file}: ${other.file} exports no ${name}`);
  }
  return `const part = __skep_load(${JSON.stringify(other.name)});\n` +
    names.map((name) => line(name, `part.${name}`)).join("\n");
}

// Second pass: a function body with the parameters __skep_ops, __skep_core, __skep_load and
// __skep_exports.
async function bundle(part) {
  const names = part.exports.map((name, i) => `${name} as e${i}`).join(", ");
  const assigned = part.exports.map((name, i) => `__skep_exports[${JSON.stringify(name)}] = e${i};`);
  const result = await build({
    ...common, minify: true, format: "iife", keepNames: part.name.startsWith("node/"),
    stdin: {
      contents: `import { ${names} } from ${JSON.stringify(part.file)};\n${assigned.join("\n")}`,
      resolveDir: dirname(part.file), sourcefile: part.name,
    },
    plugins: [{
      name: "part",
      setup(b) {
        b.onResolve({ filter: /.*/ }, (args) => {
          if (args.path === part.file) return null;
          return target_of(args, part.file);
        });
        b.onLoad({ filter: /.*/, namespace: "core" }, (args) => ({
          contents: shim(part, `core:${args.path}`), loader: "js",
        }));
        b.onLoad({ filter: /.*/, namespace: "part" }, (args) => ({
          contents: shim(part, `part:${args.path}`), loader: "js",
        }));
      },
    }],
  });
  return result.outputFiles[0].text;
}

// A cycle of parts would give one of them the other's exports half made.
function refuse_cycles() {
  const state = new Map();
  const visit = (name, path) => {
    if (state.get(name) === "done") return;
    if (path.includes(name)) throw new Error(`parts import each other: ${[...path, name].join(" -> ")}`);
    for (const target of parts.get(name).imports.keys()) {
      if (target.startsWith("part:")) visit(target.slice(5), [...path, name]);
    }
    state.set(name, "done");
  };
  for (const name of parts.keys()) visit(name, []);
}

for (const part of parts.values()) await survey(part);
refuse_cycles();
const sources = [];
for (const part of parts.values()) sources.push([part.name, await bundle(part)]);

// The snapshot's bundle, which gives parts the list of what they take from it.
const by_file = new Map();
core.forEach(([file, name], slot) => {
  if (!by_file.has(file)) by_file.set(file, []);
  by_file.get(file).push(`${name} as c${slot}`);
});
const entry = [`import ${JSON.stringify(resolve(runtime))};`];
for (const [file, names] of by_file) {
  entry.push(`import { ${names.join(", ")} } from ${JSON.stringify(file)};`);
}
entry.push(`import { set_core } from ${JSON.stringify(join(root, "parts/parts.js"))};`);
entry.push(`set_core([${core.map((_, slot) => `c${slot}`).join(", ")}]);`);
const final = await build({
  ...common, minify: true, format: "iife",
  stdin: { contents: entry.join("\n"), resolveDir: root, sourcefile: "runtime" },
});
writeFileSync(out_runtime, final.outputFiles[0].text);

// parts/parts.h tells this format: a line of numbers a part, an empty line, then the bytes.
let head = "";
let body = Buffer.alloc(0);
for (const [name, source] of sources) {
  const bytes = Buffer.from(source, "latin1");
  if (bytes.toString("latin1") !== source) throw new Error(`${name}: not Latin-1`);
  head += `${name} ${bytes.length} 0\n`;
  body = Buffer.concat([body, bytes]);
}
writeFileSync(out_parts, Buffer.concat([Buffer.from(head + "\n", "latin1"), body]));
