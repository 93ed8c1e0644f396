// The files of node:fs: a tree in memory. /tmp and what is made in it belongs to the event (as in
// Workers, one request does not see another's); /bundle is read-only, /dev has the usual devices.
import { ops } from "../../base/ops.js";
import { system_error } from "./errors.js";
import { system_errors } from "./system_errors.js";

const { event_current } = ops;

const numbers = new Map([...system_errors].map(([number, [name, text]]) => [name, [number, text]]));

export function fs_error(code, syscall, path, dest) {
  const [number, text] = numbers.get(code);
  return system_error(code, number, text, syscall, path, dest);
}

let last_inode = 0;

export class Node {
  // type: "file", "folder", "link", "device"
  constructor(type, mode, extra = {}) {
    const now = Date.now();
    Object.assign(this, {
      type,
      mode,
      inode: ++last_inode,
      links: 1,
      uid: 0,
      gid: 0,
      atime: now,
      mtime: now,
      ctime: now,
      birthtime: now,
      writable: true
    },
      extra);
    if (type === "file") Object.assign(this, { data: new Uint8Array(), size: 0 });
    if (type === "folder") this.entries = new Map();
  }

  get bytes() {
    return this.data.subarray(0, this.size);
  }

  // A place for `size` bytes; those that are new are zero.
  resize(size) {
    if (size > this.data.length) {
      const grown = new Uint8Array(
        Math.max(size, Math.min(this.data.length * 2, this.data.length + (1 << 20))));
      grown.set(this.bytes);
      this.data = grown;
    } else if (size < this.size) {
      this.data.fill(0, size, this.size);
    }
    this.size = size;
    this.touch();
  }

  write(bytes, at) {
    if (at + bytes.length > this.size) this.resize(at + bytes.length);
    this.data.set(bytes, at);
    this.touch();
  }

  touch() {
    this.mtime = this.ctime = Date.now();
  }
}

function new_root() {
  const root = new Node("folder", 0o555, { writable: false, descriptors: new Map() });
  const dev = new Node("folder", 0o555, { writable: false });
  for (const name of ["null", "zero", "full", "random"]) {
    dev.entries.set(name, new Node("device", 0o666, { device: name }));
  }
  root.entries.set("bundle", new Node("folder", 0o555, { writable: false }));
  root.entries.set("dev", dev);
  root.entries.set("tmp", new Node("folder", 0o777));
  return root;
}

// By event. Those of old events go when there are many.
const roots = new Map();
const most_roots = 256;

export function root() {
  const event = event_current();
  let found = roots.get(event);
  if (found === undefined) {
    if (roots.size >= most_roots) roots.delete(roots.keys().next().value);
    roots.set(event, found = new_root());
  }
  return found;
}

export function path_parts(path) {
  const out = [];
  for (const part of path.split("/")) {
    if (part !== "" && part !== ".") out.push(part);
  }
  return out;
}

const most_links = 40;

// The node at an absolute path, or undefined; {parent, name, node}.
export function look_up(path, syscall, follow = true) {
  let rest = path_parts(path);
  let links = 0;
  let trail = [{ name: "", node: root() }];
  while (rest.length > 0) {
    const [name, ...after] = rest;
    const folder = trail.at(-1).node;
    if (folder.type !== "folder") throw fs_error("ENOTDIR", syscall, path);
    rest = after;
    if (name === "..") {
      if (trail.length > 1) trail.pop();
      continue;
    }
    const node = folder.entries.get(name);
    if (node === undefined) {
      if (rest.length > 0) throw fs_error("ENOENT", syscall, path);
      return { parent: folder, name, node: undefined };
    }
    if (node.type === "link" && (follow || rest.length > 0)) {
      if (++links > most_links) throw fs_error("ELOOP", syscall, path);
      rest = [...path_parts(node.target), ...rest];
      if (node.target.startsWith("/")) trail = trail.slice(0, 1);
      continue;
    }
    trail.push({ name, node });
  }
  const { name, node } = trail.at(-1);
  return {
    parent: trail.at(-2)?.node,
    name,
    node,
    path: `/${trail.slice(1).map((one) => one.name).join("/")}`
  };
}

export function find(path, syscall, follow = true) {
  const found = look_up(path, syscall, follow);
  if (found.node === undefined) throw fs_error("ENOENT", syscall, path);
  return found.node;
}

// The folder that something is to be made in.
export function place_for(path, syscall, follow = true) {
  const place = look_up(path, syscall, follow);
  if (place.parent === undefined) throw fs_error("EPERM", syscall, path);
  if (!place.parent.writable) throw fs_error("EPERM", syscall, path);
  return place;
}
