// Headers of node:http: what IncomingMessage and OutgoingMessage have in common.
import { coded, invalid_arg_type } from "./errors.js";

const token = /^[\^_`a-zA-Z\-0-9!#$%&'*+.|~]+$/;
const bad_value = /[^\t\x20-\x7e\x80-\xff]/;

export function validate_header_name(name, label = "Header name") {
  if (typeof name !== "string" || !token.test(name)) {
    throw coded(
      TypeError, "ERR_INVALID_HTTP_TOKEN", `${label} must be a valid HTTP token ["${name}"]`);
  }
}

export function validate_header_value(name, value) {
  if (value === undefined) {
    throw coded(
      TypeError, "ERR_HTTP_INVALID_HEADER_VALUE", `Invalid value "${value}" for header "${name}"`);
  }
  if (bad_value.test(`${value}`)) {
    throw coded(TypeError, "ERR_INVALID_CHAR", `Invalid character in header content ["${name}"]`);
  }
}

// What only counts once when it comes several times.
const single = new Set([
  "age", "authorization", "content-length", "content-type", "etag", "expires", "from", "host",
  "if-modified-since", "if-unmodified-since", "last-modified", "location", "max-forwards",
  "proxy-authorization", "referer", "retry-after", "server", "user-agent"
]);

// The lists of a Headers object: {headers, distinct, raw}. skip: names that are left out
export function read_headers(source, skip = []) {
  const headers = {};
  const distinct = { __proto__: null };
  const raw = [];
  for (const [name, value] of source) {
    if (skip.includes(name)) continue;
    raw.push(name, value);
    (distinct[name] ??= []).push(value);
    if (name === "set-cookie") (headers[name] ??= []).push(value);
    else if (headers[name] === undefined) headers[name] = value;
    else if (!single.has(name)) headers[name] += (name === "cookie" ? "; " : ", ") + value;
  }
  return { headers, distinct, raw };
}

// The headers that a message will have, by their names in lower case.
export class OutgoingHeaders {
  #map = new Map();

  set(name, value) {
    validate_header_name(name);
    for (const one of Array.isArray(value) ? value : [value]) validate_header_value(name, one);
    this.#map.set(name.toLowerCase(), { name, value });
  }
  append(name, value) {
    const before = this.#map.get(`${name}`.toLowerCase());
    if (before === undefined) return this.set(name, value);
    this.set(before.name, [].concat(before.value, value));
  }
  get(name) {
    if (typeof name !== "string") throw invalid_arg_type("name", "string", name);
    return this.#map.get(name.toLowerCase())?.value;
  }
  has(name) {
    if (typeof name !== "string") throw invalid_arg_type("name", "string", name);
    return this.#map.has(name.toLowerCase());
  }
  delete(name) {
    if (typeof name !== "string") throw invalid_arg_type("name", "string", name);
    this.#map.delete(name.toLowerCase());
  }
  names() {
    return [...this.#map.keys()];
  }
  raw_names() {
    return [...this.#map.values()].map((one) => one.name);
  }
  object() {
    const out = { __proto__: null };
    for (const [key, { value }] of this.#map) out[key] = value;
    return out;
  }
  // As the web platform has them; skip: names that are the runtime's to write
  to_web(skip = []) {
    const headers = new Headers();
    for (const [key, { name, value }] of this.#map) {
      if (skip.includes(key)) continue;
      for (const one of Array.isArray(value) ? value : [value]) headers.append(name, `${one}`);
    }
    return headers;
  }
}

// An object, a list of pairs, or a flat list, as writeHead() and request() take them.
export function each_header(headers, take) {
  if (headers === undefined || headers === null) return;
  if (headers instanceof Headers || headers instanceof Map) {
    for (const [name, value] of headers) take(name, value);
  } else if (Array.isArray(headers)) {
    if (Array.isArray(headers[0])) return headers.forEach(([name, value]) => take(name, value));
    if (headers.length % 2 !== 0) {
      throw coded(TypeError, "ERR_INVALID_ARG_VALUE", "The argument 'headers' is invalid");
    }
    for (let i = 0; i < headers.length; i += 2) take(headers[i], headers[i + 1]);
  } else {
    for (const name of Object.keys(headers)) if (name) take(name, headers[name]);
  }
}

export const headers_sent = (what) =>
  coded(Error, "ERR_HTTP_HEADERS_SENT", `Cannot ${what} headers after they are sent to the client`);
