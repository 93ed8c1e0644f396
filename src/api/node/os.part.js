// node:os: what a Worker may know of the machine, which is nothing.
import constants from "./lib/os_constants.js";

const fixed = (name, value) => {
  const fn = { [name]: () => value }[name];
  fn[Symbol.toPrimitive] = () => value;
  return fn;
};

const os = {
  EOL: "\n",
  devNull: "/dev/null",
  constants,
  arch: fixed("arch", "x64"),
  availableParallelism: fixed("availableParallelism", 1),
  endianness: fixed("endianness", "LE"),
  homedir: fixed("homedir", "/tmp"),
  hostname: fixed("hostname", "localhost"),
  machine: fixed("machine", "x86_64"),
  platform: fixed("platform", "linux"),
  release: fixed("release", ""),
  tmpdir: fixed("tmpdir", "/tmp"),
  type: fixed("type", "Linux"),
  version: fixed("version", ""),
  uptime: fixed("uptime", 0),
  freemem: fixed("freemem", 0),
  totalmem: fixed("totalmem", 0),
  cpus: () => [],
  loadavg: () => [0, 0, 0],
  networkInterfaces: () => ({}),
  getPriority: () => 0,
  setPriority() {},
  userInfo: () => ({ uid : -1, gid : -1, username : "", homedir : "/tmp", shell : null }),
};

export default os;
