// MIMEType and MIMEParams of node:util, over WHATWG's parsing of MIME types.
import { coded } from "./errors.js";
import { validate_string } from "./validate.js";

const token = /^[!#$%&'*+\-.^_`|~A-Za-z0-9]+$/;
const quotable = /^[\t\u0020-~\u0080-\u00ff]*$/;

const invalid = (what, value, index = 0) => coded(TypeError, "ERR_INVALID_MIME_SYNTAX",
  `The MIME syntax for a ${what} in "${value}" is invalid${index >= 0 ? ` at ${index}` : ""}`);

function read_params(text, params) {
  const one = /\s*([^;=]*)(?:=(?:"((?:\\.|[^"\\])*)"?[^;]*|([^;]*)))?(?:;|$)/gy;
  for (let match; one.lastIndex < text.length && (match = one.exec(text)) !== null;) {
    const name = match[1].toLowerCase();
    const value = match[2] !== undefined ? match[2].replace(/\\(.)/g, "$1") : match[3]?.trimEnd();
    if (value === undefined || (match[2] === undefined && value === "")) continue;
    if (!token.test(name) || !quotable.test(value) || params.has(name)) continue;
    params.set(name, value);
  }
}

export class MIMEParams {
  #map = new Map();
  delete(name) {
    this.#map.delete(name);
  }
  get(name) {
    return this.#map.get(name) ?? null;
  }
  has(name) {
    return this.#map.has(name);
  }
  set(name, value) {
    const [key, text] = [`${name}`, `${value}`];
    if (!token.test(key)) throw invalid("parameter name", key);
    if (!quotable.test(text)) throw invalid("parameter value", text);
    this.#map.set(key, text);
  }
  entries() {
    return this.#map.entries();
  }
  keys() {
    return this.#map.keys();
  }
  values() {
    return this.#map.values();
  }
  [Symbol.iterator]() {
    return this.entries();
  }
  toString() {
    return [...this.#map].map(([name, value]) =>
      `${name}=${token.test(value) ? value : `"${value.replace(/(["\\])/g, "\\$1")}"`}`).join(";");
  }
  toJSON() {
    return this.toString();
  }
}

export class MIMEType {
  #type;
  #subtype;
  #params = new MIMEParams();

  constructor(input) {
    const text = `${input}`.trim();
    const match = /^([^/;]*)\/([^;]*)(?:;(.*))?$/s.exec(text);
    if (match === null || !token.test(match[1])) throw invalid("type", text);
    const subtype = match[2].trimEnd();
    if (!token.test(subtype)) throw invalid("subtype", text, match[1].length + 1);
    this.#type = match[1].toLowerCase();
    this.#subtype = subtype.toLowerCase();
    if (match[3] !== undefined) read_params(match[3], this.#params);
  }
  get type() {
    return this.#type;
  }
  set type(value) {
    validate_string(value, "type");
    if (!token.test(value)) throw invalid("type", value);
    this.#type = value.toLowerCase();
  }
  get subtype() {
    return this.#subtype;
  }
  set subtype(value) {
    validate_string(value, "subtype");
    if (!token.test(value)) throw invalid("subtype", value);
    this.#subtype = value.toLowerCase();
  }
  get essence() {
    return `${this.#type}/${this.#subtype}`;
  }
  get params() {
    return this.#params;
  }
  toString() {
    const params = this.#params.toString();
    return params === "" ? this.essence : `${this.essence};${params}`;
  }
  toJSON() {
    return this.toString();
  }
}
