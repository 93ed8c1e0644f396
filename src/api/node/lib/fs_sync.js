// node:fs, the functions that answer at once; those with callbacks and promises are made of them.
import { Buffer } from "../buffer.part.js";
import {
  coded,
  invalid_arg_type,
  invalid_arg_value,
  not_implemented,
  out_of_range
} from "./errors.js";
import { constants } from "./fs_constants.js";
import { Dirent, Stats } from "./fs_stats.js";
import { Node, find, fs_error, look_up, place_for, root } from "./fs_tree.js";
import { cwd, glob_pattern } from "./path_posix.js";
import { validate_integer } from "./validate.js";

const {
  O_ACCMODE = 3,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  O_DIRECTORY
} = {
  ...constants,
  O_ACCMODE: 3
};

export function to_path(value, name = "path") {
  let path = value;
  if (path instanceof URL) {
    if (path.protocol !== "file:")
      throw coded(TypeError, "ERR_INVALID_URL_SCHEME", "The URL must be of scheme file");
    path = decodeURIComponent(path.pathname);
  } else if (path instanceof Uint8Array) {
    path = Buffer.from(path).toString();
  }
  if (typeof path !== "string") throw invalid_arg_type(name, ["string", "Buffer", "URL"], value);
  if (path.includes("\0")) {
    throw invalid_arg_value(name, path, "must be a string, Uint8Array, or URL without null bytes");
  }
  return path.startsWith("/") ? path : `${cwd}/${path}`;
}

const flag_names = {
  r: O_RDONLY, rs: O_RDONLY, sr: O_RDONLY, "r+": O_RDWR, "rs+": O_RDWR, w: O_TRUNC | O_CREAT | O_WRONLY,
  wx: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL, "w+": O_TRUNC | O_CREAT | O_RDWR, "wx+": O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  a: O_APPEND | O_CREAT | O_WRONLY, ax: O_APPEND | O_CREAT | O_WRONLY | O_EXCL, as: O_APPEND | O_CREAT | O_WRONLY,
  "a+": O_APPEND | O_CREAT | O_RDWR, "ax+": O_APPEND | O_CREAT | O_RDWR | O_EXCL, "as+": O_APPEND | O_CREAT | O_RDWR,
};

function flags_of(flags = "r") {
  if (typeof flags === "number") return flags;
  const found = flag_names[flags];
  if (found === undefined) throw invalid_arg_value("flags", flags);
  return found;
}

const mode_of = (mode, otherwise) => mode === undefined || mode === null
  ? otherwise
  : (typeof mode === "string" ? parseInt(mode, 8) : mode) & 0o7777;
const options_of = (options) =>
  (typeof options === "string" ? { encoding : options } : options ?? {});
const encoded = (buffer, encoding) =>
  (encoding && encoding !== "buffer" ? buffer.toString(encoding) : buffer);

// --- descriptors ---

const open_files = () => root().descriptors;
const most_descriptors = 4096;
let last_fd = 2;

function descriptor(fd, syscall) {
  validate_integer(fd, "fd", 0, 2147483647);
  const open = open_files().get(fd);
  if (open === undefined) throw fs_error("EBADF", syscall);
  return open;
}

export function openSync(path, flags, mode) {
  const name = to_path(path);
  const bits = flags_of(flags);
  const writes = (bits & O_ACCMODE) !== O_RDONLY;
  let { node } = look_up(name, "open");
  if (node === undefined) {
    if (!(bits & O_CREAT)) throw fs_error("ENOENT", "open", name);
    const place = place_for(name, "open");
    node = new Node("file", mode_of(mode, 0o666) & ~0o22);
    place.parent.entries.set(place.name, node);
    place.parent.touch();
  } else if ((bits & O_CREAT) && (bits & O_EXCL)) {
    throw fs_error("EEXIST", "open", name);
  } else if (node.type === "folder" && writes) {
    throw fs_error("EISDIR", "open", name);
  } else if ((bits & O_DIRECTORY) && node.type !== "folder") {
    throw fs_error("ENOTDIR", "open", name);
  }
  if (writes && !node.writable) throw fs_error("EPERM", "open", name);
  if ((bits & O_TRUNC) && writes && node.type === "file") node.resize(0);
  if (open_files().size >= most_descriptors) throw fs_error("EMFILE", "open", name);
  const fd = ++last_fd;
  open_files().set(fd, {
    node,
    at: 0,
    reads: (bits & O_ACCMODE) !== O_WRONLY,
    writes,
    append: Boolean(bits & O_APPEND),
    path: name
  });
  return fd;
}

export function closeSync(fd) {
  descriptor(fd, "close");
  open_files().delete(fd);
}

function read_device(node, view) {
  if (node.device === "null") return 0;
  if (node.device === "random") {
    for (let at = 0; at < view.length; at += 65536)
      crypto.getRandomValues(view.subarray(at, at + 65536));
  } else {
    view.fill(0);
  }
  return view.length;
}

function view_of(buffer, name) {
  if (!ArrayBuffer.isView(buffer))
    throw invalid_arg_type(name, [ "Buffer", "TypedArray", "DataView" ], buffer);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

export function readSync(fd, buffer, offset, length, position) {
  if (typeof offset === "object" && offset !== null) ({ offset, length, position } = offset);
  const open = descriptor(fd, "read");
  if (!open.reads) throw fs_error("EBADF", "read");
  if (open.node.type === "folder") throw fs_error("EISDIR", "read");
  const all = view_of(buffer, "buffer");
  const from = offset ?? 0;
  const size = length ?? all.length - from;
  if (from < 0 || from > all.length) throw out_of_range("offset", `>= 0 && <= ${all.length}`, from);
  if (size < 0 || from + size > all.length)
    throw out_of_range("length", `>= 0 && <= ${all.length - from}`, size);
  const view = all.subarray(from, from + size);
  if (open.node.type === "device") return read_device(open.node, view);
  const explicit = position !== undefined && position !== null && position !== -1;
  const at = explicit ? Number(position) : open.at;
  const bytes = open.node.bytes.subarray(at, at + size);
  view.set(bytes);
  if (!explicit) open.at += bytes.length;
  return bytes.length;
}

export function writeSync(fd, data, offset, length, position) {
  const open = descriptor(fd, "write");
  if (!open.writes) throw fs_error("EBADF", "write");
  let bytes;
  if (typeof data === "string") {
    bytes = Buffer.from(data, typeof length === "string" ? length : "utf8");
    position = offset;
  } else {
    if (typeof offset === "object" && offset !== null) ({ offset, length, position } = offset);
    const view = view_of(data, "buffer");
    const from = offset ?? 0;
    bytes = view.subarray(from, from + (length ?? view.length - from));
  }
  if (open.node.type === "device") {
    if (open.node.device === "full") throw fs_error("ENOSPC", "write");
    return bytes.length;
  }
  const explicit = typeof position === "number" || typeof position === "bigint";
  const at = open.append ? open.node.size : explicit ? Number(position) : open.at;
  open.node.write(bytes, at);
  if (!explicit) open.at = at + bytes.length;
  return bytes.length;
}

export function readvSync(fd, buffers, position) {
  let total = 0;
  for (const buffer of buffers) {
    const got = readSync(
      fd, buffer, 0, buffer.byteLength, typeof position === "number" ? position + total : null);
    total += got;
    if (got < buffer.byteLength) break;
  }
  return total;
}

export function writevSync(fd, buffers, position) {
  let total = 0;
  for (const buffer of buffers) {
    total += writeSync(
      fd, buffer, 0, buffer.byteLength, typeof position === "number" ? position + total : null);
  }
  return total;
}

export const fstatSync = (fd, options) => new Stats(descriptor(fd, "fstat").node, options?.bigint);
export const ftruncateSync = (fd, length = 0) =>
  descriptor(fd, "ftruncate").node.resize(Math.max(0, length));
export const fsyncSync = (fd) => void descriptor(fd, "fsync");
export const fdatasyncSync = (fd) => void descriptor(fd, "fdatasync");
export const fchmodSync = (fd, mode) =>
  void (descriptor(fd, "fchmod").node.mode = mode_of(mode, 0));
export const fchownSync = (fd, uid, gid) =>
  void Object.assign(descriptor(fd, "fchown").node, {uid, gid});
export const futimesSync = (fd, atime, mtime) =>
  set_times(descriptor(fd, "futime").node, atime, mtime);

// --- whole files ---

function with_file(file, flags, mode, use) {
  if (typeof file === "number") return use(file);
  const fd = openSync(file, flags, mode);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

export function readFileSync(path, options) {
  const { encoding, flag = "r" } = options_of(options);
  return with_file(path, flag, undefined, (fd) => {
    const { node, at } = descriptor(fd, "read");
    if (node.type === "folder") throw fs_error("EISDIR", "read");
    if (node.type === "device") return encoded(Buffer.alloc(0), encoding);
    descriptor(fd, "read").at = node.size;
    return encoded(Buffer.from(node.bytes.slice(typeof path === "number" ? at : 0)), encoding);
  });
}

function data_bytes(data, encoding) {
  if (typeof data === "string") return Buffer.from(data, encoding ?? "utf8");
  if (ArrayBuffer.isView(data)) return view_of(data, "data");
  throw invalid_arg_type("data", ["string", "Buffer", "TypedArray", "DataView"], data);
}

export function writeFileSync(path, data, options) {
  const { encoding, flag = "w", mode } = options_of(options);
  const bytes = data_bytes(data, encoding);
  with_file(path, flag, mode, (fd) => writeSync(fd, bytes, 0, bytes.length, null));
}
export const appendFileSync = (path, data, options) =>
  writeFileSync(path, data, {flag : "a", ...options_of(options)});

// --- the tree ---

export const existsSync = (path) => {
  try {
    return look_up(to_path(path), "access").node !== undefined;
  } catch {
    return false;
  }
};

export function accessSync(path, mode = constants.F_OK) {
  const name = to_path(path);
  const node = find(name, "access");
  if ((mode & constants.W_OK) && !node.writable) throw fs_error("EACCES", "access", name);
  if ((mode & constants.X_OK) && !(node.mode & 0o111)) throw fs_error("EACCES", "access", name);
}

function stat_with(path, options, syscall, follow) {
  try {
    return new Stats(find(to_path(path), syscall, follow), options?.bigint);
  } catch (error) {
    if (options?.throwIfNoEntry === false && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw error;
  }
}
export const statSync = (path, options) => stat_with(path, options, "stat", true);
export const lstatSync = (path, options) => stat_with(path, options, "lstat", false);
export const statfsSync = (path) => {
  find(to_path(path), "statfs");
  return { type: 0, bsize: 4096, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0 };
};

export function mkdirSync(path, options) {
  const { recursive = false, mode } =
    typeof options === "object" && options !== null ? options : { mode : options };
  const name = to_path(path);
  const bits = mode_of(mode, 0o777) & ~0o22;
  if (!recursive) {
    if (look_up(name, "mkdir").node !== undefined) throw fs_error("EEXIST", "mkdir", name);
    const place = place_for(name, "mkdir");
    place.parent.entries.set(place.name, new Node("folder", bits));
    return undefined;
  }
  let made;
  let at = "";
  for (const part of name.split("/").filter(Boolean)) {
    at += `/${part}`;
    const { node } = look_up(at, "mkdir");
    if (node !== undefined) {
      if (node.type !== "folder") throw fs_error(at === name ? "EEXIST" : "ENOTDIR", "mkdir", name);
      continue;
    }
    const place = place_for(at, "mkdir");
    place.parent.entries.set(place.name, new Node("folder", bits));
    made ??= at;
  }
  return made;
}

export function mkdtempSync(prefix, options) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  const name = to_path(prefix, "prefix") + Array.from(bytes, (byte) => letters[byte % 62]).join("");
  mkdirSync(name, 0o700);
  return encoded(Buffer.from(name), options_of(options).encoding ?? "utf8");
}

function list(folder, path, { withFileTypes, recursive, encoding }, prefix, out) {
  for (const [name, node] of [...folder.entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const shown = encoding === "buffer" ? Buffer.from(prefix + name) : prefix + name;
    out.push(withFileTypes ? new Dirent(name, node.type, path) : shown);
    if (recursive && node.type === "folder") {
      list(
        node, `${path}/${name}`, { withFileTypes, recursive, encoding }, `${prefix}${name}/`, out);
    }
  }
  return out;
}

export function readdirSync(path, options) {
  const name = to_path(path);
  const folder = find(name, "scandir");
  if (folder.type !== "folder") throw fs_error("ENOTDIR", "scandir", name);
  return list(folder, name, options_of(options), "", []);
}

function removable(path, syscall) {
  const name = to_path(path);
  const place = place_for(name, syscall, false);
  if (place.node === undefined) throw fs_error("ENOENT", syscall, name);
  return { ...place, path: name };
}

export function unlinkSync(path) {
  const { parent, name, node, path: full } = removable(path, "unlink");
  if (node.type === "folder") throw fs_error("EISDIR", "unlink", full);
  node.links--;
  parent.entries.delete(name);
  parent.touch();
}

export function rmdirSync(path, options) {
  if (options?.recursive) return rmSync(path, { recursive: true });
  const { parent, name, node, path: full } = removable(path, "rmdir");
  if (node.type !== "folder") throw fs_error("ENOTDIR", "rmdir", full);
  if (node.entries.size > 0) throw fs_error("ENOTEMPTY", "rmdir", full);
  parent.entries.delete(name);
  parent.touch();
}

export function rmSync(path, { recursive = false, force = false } = {}) {
  const name = to_path(path);
  let place;
  try {
    place = removable(name, "rm");
  } catch (error) {
    if (force && error.code === "ENOENT") return;
    throw error;
  }
  if (place.node.type === "folder" && !recursive) {
    const error = coded(
      Error, "ERR_FS_EISDIR", `Path is a directory: rm returned EISDIR (is a directory) ${name}`);
    throw Object.assign(error, { errno: 21, syscall: "rm", path: name });
  }
  place.parent.entries.delete(place.name);
  place.parent.touch();
}

export function renameSync(from, to) {
  const source = removable(from, "rename");
  const target = to_path(to, "newPath");
  const place = place_for(target, "rename", false);
  if (place.node === source.node) return;
  if (source.node.type === "folder" && `${target}/`.startsWith(`${source.path}/`)) {
    throw fs_error("EINVAL", "rename", source.path, target);
  }
  if (place.node !== undefined) {
    const folder = place.node.type === "folder";
    if (folder && source.node.type !== "folder")
      throw fs_error("EISDIR", "rename", source.path, target);
    if (!folder && source.node.type === "folder")
      throw fs_error("ENOTDIR", "rename", source.path, target);
    if (folder && place.node.entries.size > 0)
      throw fs_error("ENOTEMPTY", "rename", source.path, target);
  }
  source.parent.entries.delete(source.name);
  place.parent.entries.set(place.name, source.node);
}

export function copyFileSync(from, to, mode = 0) {
  const [source, target] = [to_path(from, "src"), to_path(to, "dest")];
  if ((mode & constants.COPYFILE_EXCL) && existsSync(target))
    throw fs_error("EEXIST", "copyfile", source, target);
  writeFileSync(target, readFileSync(source));
}

export function cpSync(from, to, options = {}) {
  const [source, target] = [to_path(from, "src"), to_path(to, "dest")];
  const { recursive = false, force = true, errorOnExist = false, filter } = options;
  if (filter && !filter(source, target)) return;
  const node = find(source, "cp", false);
  if (node.type === "folder") {
    if (!recursive) {
      throw coded(Error, "ERR_FS_EISDIR",
        `Recursive option not enabled, cannot copy a directory: cp returned EISDIR (${source})`);
    }
    mkdirSync(target, { recursive: true });
    for (const name of node.entries.keys())
      cpSync(`${source}/${name}`, `${target}/${name}`, options);
  } else if (node.type === "link") {
    symlinkSync(node.target, target);
  } else if (!existsSync(target) || force) {
    copyFileSync(source, target);
  } else if (errorOnExist) {
    throw coded(Error, "ERR_FS_CP_EEXIST",
      `Target already exists: cp returned EEXIST (${target} already exists) ${target}`);
  }
}

export function symlinkSync(target, path) {
  const name = to_path(path);
  const place = place_for(name, "symlink", false);
  if (place.node !== undefined) throw fs_error("EEXIST", "symlink", `${target}`, name);
  const text = target instanceof URL ? to_path(target) : `${target}`;
  place.parent.entries.set(place.name, new Node("link", 0o777, { target: text }));
}

export function linkSync(existing, path) {
  const [from, to] = [to_path(existing, "existingPath"), to_path(path, "newPath")];
  const node = find(from, "link", false);
  if (node.type === "folder") throw fs_error("EPERM", "link", from, to);
  const place = place_for(to, "link", false);
  if (place.node !== undefined) throw fs_error("EEXIST", "link", from, to);
  node.links++;
  place.parent.entries.set(place.name, node);
}

export function readlinkSync(path, options) {
  const name = to_path(path);
  const node = find(name, "readlink", false);
  if (node.type !== "link") throw fs_error("EINVAL", "readlink", name);
  return encoded(Buffer.from(node.target), options_of(options).encoding ?? "utf8");
}

export function realpathSync(path, options) {
  const name = to_path(path);
  const found = look_up(name, "realpath");
  if (found.node === undefined) throw fs_error("ENOENT", "realpath", name);
  return encoded(Buffer.from(found.path), options_of(options).encoding ?? "utf8");
}
realpathSync.native = realpathSync;

function changeable(path, syscall, follow = true) {
  const name = to_path(path);
  const node = find(name, syscall, follow);
  if (!node.writable) throw fs_error("EPERM", syscall, name);
  return node;
}

export const truncateSync = (path, length = 0) =>
  changeable(path, "open").resize(Math.max(0, length));
export const chmodSync = (path, mode) => void (changeable(path, "chmod").mode = mode_of(mode, 0));
export const lchmodSync = () => {
  throw not_implemented("fs.lchmod");
};
export const chownSync = (path, uid, gid) =>
  void Object.assign(changeable(path, "chown"), {uid, gid});
export const lchownSync = (path, uid, gid) =>
  void Object.assign(changeable(path, "lchown", false), {uid, gid});

const to_ms = (time) => (time instanceof Date ? time.getTime()
    : typeof time === "number"                ? time * 1000
                                              : +time * 1000);
function set_times(node, atime, mtime) {
  Object.assign(node, { atime: to_ms(atime), mtime: to_ms(mtime), ctime: Date.now() });
}
export const utimesSync = (path, atime, mtime) =>
  set_times(changeable(path, "utime"), atime, mtime);
export const lutimesSync = (path, atime, mtime) =>
  set_times(changeable(path, "lutime", false), atime, mtime);

export class Dir {
  #rest;
  #closed = false;
  constructor(path, options) {
    this.path = path;
    this.#rest = readdirSync(path, { ...options, withFileTypes: true });
  }
  readSync() {
    if (this.#closed) throw coded(Error, "ERR_DIR_CLOSED", "Directory handle was closed");
    return this.#rest.shift() ?? null;
  }
  async read(callback) {
    const next = this.readSync();
    if (callback) queueMicrotask(() => callback(null, next));
    return next;
  }
  closeSync() {
    this.#closed = true;
  }
  async close(callback) {
    this.#closed = true;
    if (callback) queueMicrotask(() => callback(null));
  }
  async* [Symbol.asyncIterator]() {
    for (let next; (next = this.readSync()) !== null;) yield next;
    this.closeSync();
  }
}
export const opendirSync = (path, options) => new Dir(to_path(path), options);

export function globSync(pattern, options = {}) {
  const base = to_path(options.cwd ?? cwd);
  const patterns =
    (Array.isArray(pattern) ? pattern : [ pattern ]).map((one) => glob_pattern(one, "/"));
  return readdirSync(base, {
    recursive: true
  }).filter((name) => patterns.some((one) => one.test(name)));
}
