// The parts of URLs in the form that the URL parser gives them (URL Pattern standard, section 3.1): each
// by way of a URL of our own.
import {
  RegExpPrototypeExec,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  TypeError,
} from "../base/primordials.js";
import { UrlParts, set_part } from "./url_parts.js";
import { escape_pattern, is_special } from "./pattern.js";

const dummy = "https://dummy.invalid/";

function refuse(what, value) {
  throw new TypeError(`The ${what} '${value}' is not valid.`);
}

export function canonical_protocol(value) {
  if (value === "") return value;
  const url = UrlParts.parse(`${value}://dummy.invalid/`);
  if (url === null) refuse("protocol", value);
  return url.protocol;
}

export const canonical_username = (value) => value === "" ? value : set_part(dummy, "username", value).username;
export const canonical_password = (value) => value === "" ? value : set_part(dummy, "password", value).password;

const not_in_host = /[:?@[\]]/;

export function canonical_hostname(value) {
  if (value === "") return value;
  if (RegExpPrototypeExec(not_in_host, value) !== null) refuse("hostname", value);
  const first = set_part(dummy, "hostname", value).hostname;
  // A setter says nothing of a failure: what it leaves alone is what was there before.
  if (first === "dummy.invalid" && set_part("https://other.invalid/", "hostname", value).hostname !== first) {
    refuse("hostname", value);
  }
  return first;
}

const ipv6_characters = /^[0-9a-fA-F[\]:]*$/;

export function canonical_ipv6(value) {
  if (RegExpPrototypeExec(ipv6_characters, value) === null) refuse("hostname", value);
  return StringPrototypeToLowerCase(value);
}

const leading_digits = /^[\t\n\r]*[0-9]/;

export function canonical_port(value, protocol = "") {
  if (value === "") return value;
  if (RegExpPrototypeExec(leading_digits, value) === null) refuse("port", value);
  // A default port of another scheme stays; 0 is nobody's default.
  const base = is_special(protocol) && protocol !== "file" ? `${protocol}://dummy.invalid:0/` : "dummy://dummy.invalid:0/";
  const { port } = set_part(base, "port", value);
  if (port === "0" && set_part(`${StringPrototypeSlice(base, 0, -2)}1/`, "port", value).port !== "0") refuse("port", value);
  return port;
}

export function canonical_pathname(value) {
  if (value === "") return value;
  const absolute = value[0] === "/";
  const { pathname } = set_part(dummy, "pathname", absolute ? value : `/-${value}`);
  return absolute ? pathname : StringPrototypeSlice(pathname, 2);
}

export function canonical_opaque_pathname(value) {
  if (value === "") return value;
  // The letter in front keeps a path that begins with a slash opaque.
  const url = UrlParts.parse(`data:x${value}?`);
  if (url === null) refuse("pathname", value);
  return StringPrototypeSlice(url.pathname, 1);
}

export const canonical_search = (value) => value === "" ? value : set_part(dummy, "search", `?${value}`).search;
export const canonical_hash = (value) => value === "" ? value : set_part(dummy, "hash", `#${value}`).hash;

// --- 3.2: what an init says ---

const strip_first = (value, char) => value[0] === char ? StringPrototypeSlice(value, 1) : value;

function strip_colon(value) {
  return value[value.length - 1] === ":" ? StringPrototypeSlice(value, 0, -1) : value;
}

function is_absolute(path, pattern) {
  return StringPrototypeStartsWith(path, "/") ||
    (pattern && (StringPrototypeStartsWith(path, "\\/") || StringPrototypeStartsWith(path, "{/")));
}

// What a base URL gives where the init has nothing more specific than it.
function inherit(result, base, given, pattern) {
  const take = (name) => {
    result[name] = pattern ? escape_pattern(base[name]) : base[name];
  };
  if (given.protocol === undefined) take("protocol");
  const host = given.protocol !== undefined || given.hostname !== undefined;
  const port = host || given.port !== undefined;
  const path = port || given.pathname !== undefined;
  const search = path || given.search !== undefined;
  if (!pattern && !port && given.username === undefined) take("username");
  if (!pattern && !port && given.username === undefined && given.password === undefined) take("password");
  if (!host) take("hostname");
  if (!port) take("port");
  if (!path) take("pathname");
  if (!search) take("search");
  if (!search && given.hash === undefined) take("hash");
}

function joined_path(path, base, pattern) {
  if (base === null || base.opaque || is_absolute(path, pattern)) return path;
  const base_path = pattern ? escape_pattern(base.pathname) : base.pathname;
  const slash = StringPrototypeLastIndexOf(base_path, "/");
  return slash < 0 ? path : StringPrototypeSlice(base_path, 0, slash + 1) + path;
}

function process_pathname(path, protocol, pattern) {
  if (pattern) return path;
  return protocol === "" || is_special(protocol) ? canonical_pathname(path) : canonical_opaque_pathname(path);
}

// "Process a URLPatternInit"; `pattern`: of type "pattern", else "url". `result` holds what is there where
// the init says nothing.
export function process_init(given, pattern, result) {
  let base = null;
  if (given.baseURL !== undefined) {
    base = UrlParts.parse(given.baseURL);
    if (base === null) refuse("base URL", given.baseURL);
    inherit(result, base, given, pattern);
  }
  const through = (fn, value) => pattern ? value : fn(value);
  if (given.protocol !== undefined) result.protocol = through(canonical_protocol, strip_colon(given.protocol));
  if (given.username !== undefined) result.username = through(canonical_username, given.username);
  if (given.password !== undefined) result.password = through(canonical_password, given.password);
  if (given.hostname !== undefined) result.hostname = through(canonical_hostname_or_ipv6, given.hostname);
  const protocol = result.protocol ?? "";
  if (given.port !== undefined) result.port = pattern ? given.port : canonical_port(given.port, protocol);
  if (given.pathname !== undefined) {
    result.pathname = process_pathname(joined_path(given.pathname, base, pattern), protocol, pattern);
  }
  if (given.search !== undefined) result.search = through(canonical_search, strip_first(given.search, "?"));
  if (given.hash !== undefined) result.hash = through(canonical_hash, strip_first(given.hash, "#"));
  return result;
}

function canonical_hostname_or_ipv6(value) {
  return value[0] === "[" ? set_part(dummy, "hostname", value).hostname : canonical_hostname(value);
}
