// node:tls: TLS clients over cloudflare:sockets. The runtime checks certificates against its own
// authorities: what would change that refuses.
import { EventEmitter } from "./events.part.js";
import { SocketBase, callable, connect_arguments } from "./net.part.js";
import { coded, not_implemented } from "./lib/errors.js";
import { is_ip } from "./lib/ip.js";
import { refusing_functions } from "./lib/stubs.js";

function check_options(options) {
  if (options.rejectUnauthorized === false) {
    throw coded(Error, "ERR_OPTION_NOT_IMPLEMENTED",
      "The options.rejectUnauthorized option is not implemented: certificates are always checked");
  }
  for (const name of ["ca", "cert", "key", "pfx", "crl"]) {
    if (options[name] !== undefined && options[name] !== null) {
      throw coded(
        Error, "ERR_OPTION_NOT_IMPLEMENTED", `The options.${name} option is not implemented`);
    }
  }
}

class TLSSocketBase extends SocketBase {
  constructor(socket, options = {}) {
    super(socket === undefined || socket === null
        ? options
        : {...options, allowHalfOpen : socket.allowHalfOpen });
    check_options(options);
    Object.assign(this, {
      encrypted: true,
      authorized: false,
      authorizationError: null,
      servername: options.servername,
      alpnProtocol: false
    });
    if (socket) this.upgrade(socket, options);
  }

  // TLS on a connection that is plain so far.
  upgrade(socket, options) {
    this.connecting = true;
    const host = options.servername || options.host || socket._host || "localhost";
    const start = () => {
      const plain = socket.release?.();
      if (!plain)
        return this.destroy(
          coded(Error, "ERR_TLS_INVALID_CONTEXT", "The socket cannot be used for TLS"));
      const name = is_ip(host) ? undefined : host;
      socket.on("error", () => {});
      this.adopt(plain.startTls(name === undefined ? undefined : { expectedServerHostname : name }),
        socket._host, socket.remotePort);
    };
    if (socket.connecting) {
      socket.once("connect", start);
      socket.once("error", (error) => this.destroy(error));
    } else {
      start();
    }
  }

  opened() {
    this.authorized = true;
    this.emit("connect");
    this.emit("secureConnect");
    this.emit("secure");
    this.emit("ready");
  }

  getProtocol() {
    return "TLSv1.3";
  }
  getPeerCertificate() {
    return {};
  }
  getPeerX509Certificate() {
    return undefined;
  }
  getCertificate() {
    return {};
  }
  getCipher() {
    return {
      name: "TLS_AES_128_GCM_SHA256",
      standardName: "TLS_AES_128_GCM_SHA256",
      version: "TLSv1.3"
    };
  }
  getSession() {
    return undefined;
  }
  getTLSTicket() {
    return undefined;
  }
  isSessionReused() {
    return false;
  }
  getFinished() {
    return undefined;
  }
  getPeerFinished() {
    return undefined;
  }
  setServername(name) {
    this.servername = name;
  }
  setMaxSendFragment() {
    return true;
  }
  enableTrace() {}
  disableRenegotiation() {}
  renegotiate() {
    throw not_implemented("tls.TLSSocket.renegotiate");
  }
  exportKeyingMaterial() {
    throw not_implemented("tls.TLSSocket.exportKeyingMaterial");
  }
}
const TLSSocket = callable(TLSSocketBase, "TLSSocket");

function connect(...args) {
  const list = [...args];
  // connect(port, host?, options?, callback?)
  const extra = typeof list[0] === "object"
    ? undefined
    : list.find((one) => typeof one === "object" && one !== null);
  const [given, callback] = connect_arguments(list.filter((one) => one !== extra));
  const options = { ...given, ...extra };
  const socket = new TLSSocketBase(options.socket, options);
  if (callback) socket.once("secureConnect", callback);
  if (options.timeout) socket.setTimeout(options.timeout);
  if (!options.socket) {
    const host = options.host ?? "localhost";
    socket.servername ??= is_ip(host) ? "" : host;
    socket.open(host, +options.port, "on");
  }
  return socket;
}

class SecureContext {
  constructor(options = {}) {
    check_options(options);
    this.context = {};
  }
}

// Whether the names of a certificate (an object as getPeerCertificate gives) include `host`.
function checkServerIdentity(host, certificate) {
  const names = (certificate?.subjectaltname ?? "")
                  .split(", ")
                  .filter((name) => name.startsWith("DNS:"))
                  .map((name) => name.slice(4).toLowerCase());
  if (names.length === 0 && certificate?.subject?.CN)
    names.push(certificate.subject.CN.toLowerCase());
  const wanted = `${host}`.toLowerCase();
  const fits = names.some((name) => name === wanted ||
      (name.startsWith("*.") && wanted.slice(wanted.indexOf(".")) === name.slice(1) &&
        wanted.includes(".")));
  if (fits) return undefined;
  const error = coded(Error, "ERR_TLS_CERT_ALTNAME_INVALID",
    `Hostname/IP does not match certificate's altnames: Host: ${
      host}. is not in the cert's altnames: ${certificate?.subjectaltname}`);
  return Object.assign(error, { host, cert: certificate });
}

class Server extends EventEmitter {
  listen() {
    throw not_implemented("tls.Server.listen");
  }
}

export { TLSSocket, connect };
export default {
  ...refusing_functions("tls", [ "createSecurePair" ]),
  CLIENT_RENEG_LIMIT: 3,
  CLIENT_RENEG_WINDOW: 600,
  DEFAULT_CIPHERS: "",
  DEFAULT_ECDH_CURVE: "auto",
  DEFAULT_MAX_VERSION: "TLSv1.3",
  DEFAULT_MIN_VERSION: "TLSv1.2",
  SecureContext,
  Server,
  TLSSocket,
  checkServerIdentity,
  connect,
  convertALPNProtocols(protocols, out) {
    out.ALPNProtocols = protocols;
  },
  createSecureContext: (options) => new SecureContext(options),
  createServer: () => new Server(),
  getCACertificates: () => [],
  getCiphers :
    () => ["tls_aes_128_gcm_sha256", "tls_aes_256_gcm_sha384", "tls_chacha20_poly1305_sha256"],
  rootCertificates: Object.freeze([]),
};
