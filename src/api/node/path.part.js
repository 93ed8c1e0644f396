// node:path, for both kinds of systems.
import { make_posix } from "./lib/path_posix.js";
import { make_win32 } from "./lib/path_win32.js";

const posix = make_posix();
const win32 = make_win32();
for (const one of [posix, win32]) Object.assign(one, { posix, win32 });

export const {
  basename,
  delimiter,
  dirname,
  extname,
  format,
  isAbsolute,
  join,
  matchesGlob,
  normalize,
  parse,
  relative,
  resolve,
  sep,
  toNamespacedPath,
} = posix;
export { posix, win32 };
export default posix;
