// Paths of POSIX systems, as Node.js treats them. The current directory of a Worker is "/bundle".
import { validate_object, validate_string } from "./validate.js";

export const cwd = "/bundle";

// The parts of a path without "." and with ".." resolved as far as that goes.
export function normal_parts(parts, absolute) {
  const out = [];
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    if (part !== "..") out.push(part);
    else if (out.length > 0 && out.at(-1) !== "..") out.pop();
    else if (!absolute) out.push("..");
  }
  return out;
}

// [start, end) of the last part, trailing separators apart.
export function last_part(path, from, is_separator) {
  let end = path.length;
  while (end > from && is_separator(path[end - 1])) end--;
  let start = end;
  while (start > from && !is_separator(path[start - 1])) start--;
  return [start, end];
}

export function extension_of(name) {
  const dot = name.lastIndexOf(".");
  return dot <= 0 || name === ".." ? "" : name.slice(dot);
}

export function without_suffix(name, suffix) {
  if (suffix === undefined) return name;
  validate_string(suffix, "suffix");
  return suffix !== name && name.endsWith(suffix) ? name.slice(0, name.length - suffix.length)
                                                  : name;
}

export function format_with(sep, parts) {
  validate_object(parts, "pathObject");
  const folder = parts.dir || parts.root;
  const ext = parts.ext && !parts.ext.startsWith(".") ? `.${parts.ext}` : parts.ext || "";
  const base = parts.base || `${parts.name || ""}${ext}`;
  if (!folder) return base;
  return folder === parts.root ? `${folder}${base}` : `${folder}${sep}${base}`;
}

// A glob as a regular expression: *, **, ?, […], {a,b}.
export function glob_pattern(glob, sep) {
  const slash = sep === "\\" ? "[\\\\/]" : "/";
  const other = sep === "\\" ? "[^\\\\/]" : "[^/]";
  let depth = 0;
  const source = glob.replace(/\*\*\/?|\*|\?|\[!?[^\]]*\]|[{},]|[\\^$.|+()/]/g, (token) => {
    if (token === "**/") return `(?:${other}+${slash})*`;
    if (token === "**") return ".*";
    if (token === "*") return `${other}*`;
    if (token === "?") return other;
    if (token.startsWith("[")) return token.replace("[!", "[^");
    if (token === "{") return depth++, "(?:";
    if (token === "}") return depth > 0 ? (depth--, ")") : "\\}";
    if (token === ",") return depth > 0 ? "|" : ",";
    return token === "/" ? slash : `\\${token}`;
  });
  return new RegExp(`^${source}$`, "s");
}

const is_slash = (c) => c === "/";

export function make_posix() {
  const posix = {
    sep: "/",
    delimiter: ":",

    resolve(...paths) {
      let resolved = "";
      let absolute = false;
      for (let i = paths.length - 1; i >= -1 && !absolute; i--) {
        const path = i >= 0 ? paths[i] : cwd;
        validate_string(path, `paths[${i}]`);
        if (path === "") continue;
        resolved = `${path}/${resolved}`;
        absolute = path.startsWith("/");
      }
      return `/${normal_parts(resolved.split("/"), true).join("/")}`;
    },

    normalize(path) {
      validate_string(path, "path");
      if (path === "") return ".";
      const absolute = path.startsWith("/");
      let out = normal_parts(path.split("/"), absolute).join("/");
      if (out === "" && !absolute) return path.endsWith("/") ? "./" : ".";
      if (out !== "" && path.endsWith("/")) out += "/";
      return absolute ? `/${out}` : out;
    },

    isAbsolute(path) {
      validate_string(path, "path");
      return path.startsWith("/");
    },

    join(...paths) {
      const given = paths.filter((path) => {
        validate_string(path, "path");
        return path !== "";
      });
      return given.length === 0 ? "." : posix.normalize(given.join("/"));
    },

    relative(from, to) {
      validate_string(from, "from");
      validate_string(to, "to");
      if (from === to) return "";
      const a = posix.resolve(from).split("/").filter(Boolean);
      const b = posix.resolve(to).split("/").filter(Boolean);
      let common = 0;
      while (common < a.length && common < b.length && a[common] === b[common]) common++;
      return [...a.slice(common).map(() => ".."), ...b.slice(common)].join("/");
    },

    toNamespacedPath: (path) => path,

    dirname(path) {
      validate_string(path, "path");
      if (path === "") return ".";
      const end = last_part(path, 0, is_slash)[0] - 1;  // the separator before the last part
      if (end <= 0) return path.startsWith("/") ? "/" : ".";
      return end === 1 && path.startsWith("/") ? "//" : path.slice(0, end);
    },

    basename(path, suffix) {
      validate_string(path, "path");
      const [start, end] = last_part(path, 0, is_slash);
      return suffix === path ? "" : without_suffix(path.slice(start, end), suffix);
    },

    extname(path) {
      validate_string(path, "path");
      return extension_of(posix.basename(path));
    },

    format: (parts) => format_with("/", parts),

    parse(path) {
      validate_string(path, "path");
      const root = path.startsWith("/") ? "/" : "";
      const base = posix.basename(path);
      const ext = extension_of(base);
      const [start] = last_part(path, 0, is_slash);
      let dir = root;
      if (start > 1) dir = path.slice(0, start - 1);
      else if (start === 1) dir = "/";
      return {
        root,
        dir: base === "" ? root : dir,
        base,
        ext,
        name: base.slice(0, base.length - ext.length)
      };
    },

    matchesGlob(path, pattern) {
      validate_string(path, "path");
      validate_string(pattern, "pattern");
      return glob_pattern(pattern, "/").test(path);
    },
  };
  posix._makeLong = posix.toNamespacedPath;
  return posix;
}
