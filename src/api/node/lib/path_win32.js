// Paths of Windows, as Node.js treats them there.
import { extension_of, format_with, glob_pattern, last_part, normal_parts, without_suffix }
  from "./path_posix.js";
import { validate_string } from "./validate.js";

const is_separator = (c) => c === "/" || c === "\\";

// The device ("C:", "\\server\share"), whether it is absolute, and where the rest begins.
function root_of(path) {
  const unc = /^[\\/]{2}([^\\/]+)[\\/]+([^\\/]+)/.exec(path);
  if (unc !== null && unc[1] !== "?" && unc[1] !== ".") {
    return { device: `\\\\${unc[1]}\\${unc[2]}`, absolute: true, length: unc[0].length, unc: true };
  }
  if (unc !== null) {
    return { device: `\\\\${unc[1]}`, absolute: true, length: unc[1].length + 2, unc: true };
  }
  if (/^[A-Za-z]:/.test(path)) {
    return { device: path.slice(0, 2), absolute: is_separator(path[2]), length: 2, unc: false };
  }
  return { device: "", absolute: is_separator(path[0]), length: 0, unc: false };
}

function root_end(path) {
  const { length, absolute, unc } = root_of(path);
  return absolute && (!unc || is_separator(path[length])) ? length + 1 : length;
}

export function make_win32() {
  const win32 = {
    sep: "\\",
    delimiter: ";",

    resolve(...paths) {
      let device = "", tail = "", absolute = false;
      for (let i = paths.length - 1; i >= 0 && !(absolute && device !== ""); i--) {
        const path = paths[i];
        validate_string(path, `paths[${i}]`);
        if (path === "") continue;
        const root = root_of(path);
        if (root.device !== "") {
          if (device !== "" && root.device.toLowerCase() !== device.toLowerCase()) continue;
          if (device === "") device = root.device;
        }
        if (!absolute) {
          tail = `${path.slice(root.length)}\\${tail}`;
          absolute = root.absolute;
        }
      }
      if (!absolute) {
        tail = `\\bundle\\${tail}`;
        absolute = true;
      }
      return `${device}\\${normal_parts(tail.split(/[\\/]/), true).join("\\")}`;
    },

    normalize(path) {
      validate_string(path, "path");
      if (path === "") return ".";
      const { device, absolute, length, unc } = root_of(path);
      const rest = path.slice(length);
      let tail = normal_parts(rest.split(/[\\/]/), absolute).join("\\");
      if (tail === "" && !absolute) tail = ".";
      if (tail !== "" && is_separator(path.at(-1)) && rest !== "") tail += "\\";
      if (unc) return `${device}\\${tail}`;
      // What only looks like a drive after others went away must not become one.
      if (!absolute && device === "" && (/^[A-Za-z]:/.test(tail) || /:(?:[\\/]|$)/.test(path))) {
        return `.\\${tail}`;
      }
      return absolute ? `${device}\\${tail}` : `${device}${tail}`;
    },

    isAbsolute(path) {
      validate_string(path, "path");
      return is_separator(path[0]) || /^[A-Za-z]:[\\/]/.test(path);
    },

    join(...paths) {
      const given = paths.filter((path) => {
        validate_string(path, "path");
        return path !== "";
      });
      if (given.length === 0) return ".";
      let joined = given.join("\\");
      // Two separators at the start mean a server only where the first path has them.
      if (!/^[\\/]{2}[^\\/]/.test(given[0])) joined = joined.replace(/^[\\/]+/, "\\");
      return win32.normalize(joined);
    },

    relative(from, to) {
      validate_string(from, "from");
      validate_string(to, "to");
      const [a_path, b_path] = [win32.resolve(from), win32.resolve(to)];
      if (a_path.toLowerCase() === b_path.toLowerCase()) return "";
      const [a, b] = [a_path, b_path].map((path) => path.split("\\"));
      while (a.at(-1) === "") a.pop();
      while (b.at(-1) === "") b.pop();
      let common = 0;
      while (common < a.length && common < b.length &&
          a[common].toLowerCase() === b[common].toLowerCase()) common++;
      if (common === 0) return b_path;
      return [...a.slice(common).map(() => ".."), ...b.slice(common)].join("\\");
    },

    toNamespacedPath(path) {
      if (typeof path !== "string" || path === "") return path;
      const resolved = win32.resolve(path);
      if (/^\\\\[^?.\\]/.test(resolved)) return `\\\\?\\UNC\\${resolved.slice(2)}`;
      return /^[A-Za-z]:\\/.test(resolved) ? `\\\\?\\${resolved}` : resolved;
    },

    dirname(path) {
      validate_string(path, "path");
      if (path === "") return ".";
      const from = root_end(path);
      const [start] = last_part(path, from, is_separator);
      if (start > from) return path.slice(0, start - 1);
      return from === 0 ? "." : path.slice(0, from);
    },

    basename(path, suffix) {
      validate_string(path, "path");
      const [start, end] = last_part(path, /^[A-Za-z]:/.test(path) ? 2 : 0, is_separator);
      return suffix === path ? "" : without_suffix(path.slice(start, end), suffix);
    },

    extname(path) {
      validate_string(path, "path");
      return extension_of(win32.basename(path));
    },

    format: (parts) => format_with("\\", parts),

    parse(path) {
      validate_string(path, "path");
      const from = root_end(path);
      const root = path.slice(0, from);
      const [start, end] = last_part(path, from, is_separator);
      const base = path.slice(start, end);
      const ext = extension_of(base);
      const dir = start > from ? path.slice(0, start - 1) : root;
      return { root, dir, base, ext, name: base.slice(0, base.length - ext.length) };
    },

    matchesGlob(path, pattern) {
      validate_string(path, "path");
      validate_string(pattern, "pattern");
      return glob_pattern(pattern.replaceAll("\\", "/"), "\\").test(path);
    },
  };
  win32._makeLong = win32.toNamespacedPath;
  return win32;
}
