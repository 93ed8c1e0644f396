// node:dns. Names are resolved where connections are opened, which a Worker does not see: only
// addresses, and the names of this machine, are answered; all else says ENOTSUP.
import { is_ip } from "./lib/ip.js";
import { validate_function, validate_string } from "./lib/validate.js";

const codes = {
  NODATA: "ENODATA",
  FORMERR: "EFORMERR",
  SERVFAIL: "ESERVFAIL",
  NOTFOUND: "ENOTFOUND",
  NOTIMP: "ENOTIMP",
  REFUSED: "EREFUSED",
  BADQUERY: "EBADQUERY",
  BADNAME: "EBADNAME",
  BADFAMILY: "EBADFAMILY",
  BADRESP: "EBADRESP",
  CONNREFUSED: "ECONNREFUSED",
  TIMEOUT: "ETIMEOUT",
  EOF: "EOF",
  FILE: "EFILE",
  NOMEM: "ENOMEM",
  DESTRUCTION: "EDESTRUCTION",
  BADSTR: "EBADSTR",
  BADFLAGS: "EBADFLAGS",
  NONAME: "ENONAME",
  BADHINTS: "EBADHINTS",
  NOTINITIALIZED: "ENOTINITIALIZED",
  LOADIPHLPAPI: "ELOADIPHLPAPI",
  ADDRGETNETWORKPARAMS: "EADDRGETNETWORKPARAMS",
  CANCELLED: "ECANCELLED",
  ADDRCONFIG: 32,
  ALL: 16,
  V4MAPPED: 8
};

function unsupported(syscall, hostname) {
  return Object.assign(
    new Error(
      `${syscall} ENOTSUP ${hostname}: Workers do not resolve names; connect to the name instead`),
    {
      code: "ENOTSUP",
      errno: -95,
      syscall,
      hostname,
    });
}

async function lookup_promise(hostname, options = {}) {
  const { all = false, family = 0 } =
    typeof options === "number" ? { family : options } : options ?? {};
  let address = hostname;
  if (!hostname || /(^|\.)localhost$/i.test(hostname)) address = family === 6 ? "::1" : "127.0.0.1";
  const kind = is_ip(address);
  if (kind === 0) throw unsupported("getaddrinfo", hostname);
  return all ? [{ address, family: kind }] : { address, family: kind };
}

const types =
  [ "Any", "Caa", "Cname", "Mx", "Naptr", "Ns", "Ptr", "Soa", "Srv", "Tlsa", "Txt", "4", "6" ];

class PromiseResolver {
  cancel() {}
  getServers() {
    return [];
  }
  setServers() {}
  setLocalAddress() {}
  async resolve(hostname, type = "A") {
    validate_string(hostname, "name");
    throw unsupported(`query${type}`, hostname);
  }
  async reverse(address) {
    throw unsupported("getHostByAddr", address);
  }
}
for (const type of types) {
  const record = type === "4" ? "A" : type === "6" ? "Aaaa" : type;
  Object.defineProperty(PromiseResolver.prototype, `resolve${type}`, {
    configurable: true,
    writable: true,
    value: {
      async[`resolve${type}`](hostname) {
        validate_string(hostname, "name");
        throw unsupported(`query${record}`, hostname);
      },
    }[`resolve${type}`]
  });
}
async function lookup_service(address) {
  throw unsupported("getnameinfo", address);
}

function with_callback(fn, spread = (value) => [value]) {
  return function (...args) {
    const callback = args.pop();
    validate_function(callback, "callback");
    Reflect.apply(fn, this, args)
      .then((value) => queueMicrotask(() => callback(null, ...spread(value, args))),
        (error) => queueMicrotask(() => callback(error)));
  };
}

const names = [...types.map((type) => `resolve${type}`), "resolve", "reverse"];
const shared = new PromiseResolver();
class Resolver {
  cancel() {}
  getServers() {
    return [];
  }
  setServers() {}
  setLocalAddress() {}
}
for (const name of names)
  Resolver.prototype[name] = with_callback((...args) => shared[name](...args));

let order = "verbatim";
const common = {
  getServers: () => [], setServers() {}, getDefaultResultOrder: () => order,
  setDefaultResultOrder(value) {
    order = value;
  },
};
export const promises = {
  ...codes,
  ...common,
  Resolver: PromiseResolver,
  lookup: lookup_promise,
  lookupService: lookup_service,
  ...Object.fromEntries(names.map((name) => [name, (...args) => shared[name](...args)])),
};
export default {
  ...codes,
  ...common,
  Resolver,
  promises,
  lookup: with_callback(lookup_promise,
    (value) => (Array.isArray(value) ? [ value ] : [ value.address, value.family ])),
  lookupService: with_callback(lookup_service),
  ...Object.fromEntries(
    names.map((name) => [name, with_callback((...args) => shared[name](...args))])),
};
