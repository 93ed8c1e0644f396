// Stats and Dirent of node:fs.
const kinds = { file: 0o100000, folder: 0o040000, link: 0o120000, device: 0o020000 };

class StatsBase {
  constructor(type) {
    Object.defineProperty(this, "kind", { value: type, enumerable: false });
  }
  isFile() {
    return this.kind === "file";
  }
  isDirectory() {
    return this.kind === "folder";
  }
  isSymbolicLink() {
    return this.kind === "link";
  }
  isCharacterDevice() {
    return this.kind === "device";
  }
  isBlockDevice() {
    return false;
  }
  isFIFO() {
    return false;
  }
  isSocket() {
    return false;
  }
}

export class Stats extends StatsBase {
  constructor(node, bigint = false) {
    super(node.type);
    const as = bigint ? (value) => BigInt(Math.trunc(value)) : (value) => value;
    const size = node.type === "file" ? node.size : node.type === "link" ? node.target.length : 0;
    Object.assign(this, {
      dev: as (0),
      mode: as (kinds[node.type] | node.mode),
      nlink: as (node.links),
      uid: as (node.uid),
      gid: as (node.gid),
      rdev: as (0),
      blksize: as (4096),
      ino: as (node.inode),
      size: as (size),
      blocks: as (Math.ceil(size / 512)),
    });
    for (const name of ["atime", "mtime", "ctime", "birthtime"]) {
      this[`${name}Ms`] = as(node[name]);
      if (bigint) this[`${name}Ns`] = BigInt(Math.trunc(node[name])) * 1000000n;
    }
    for (const name of ["atime", "mtime", "ctime", "birthtime"]) this[name] = new Date(node[name]);
  }
}

export class Dirent extends StatsBase {
  constructor(name, type, parent) {
    super(type);
    Object.assign(this, { name, parentPath: parent, path: parent });
  }
}
