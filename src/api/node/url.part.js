// node:url: the URL classes of the platform, and Node.js's own parser of old as unenv carries it.
import legacy from "unenv/node/url";
import { toUnicode as to_unicode } from "./punycode.part.js";
import { coded, invalid_arg_type } from "./lib/errors.js";
import { validate_string } from "./lib/validate.js";

const { URL, URLPattern, URLSearchParams } = globalThis;
const { Url, resolve, resolveObject } = legacy;

function parse(url, parse_query = false, slashes_denote_host = false) {
  if (url instanceof Url) return url;
  validate_string(url, "url");
  const out = new Url();
  out.parse(url, parse_query, slashes_denote_host);
  return out;
}

function fileURLToPath(path) {
  const url = typeof path === "string" ? new URL(path) : path;
  if (typeof url?.href !== "string" || typeof url.protocol !== "string") {
    throw invalid_arg_type("path", ["string", "URL"], path);
  }
  if (url.protocol !== "file:") {
    throw coded(TypeError, "ERR_INVALID_URL_SCHEME", "The URL must be of scheme file");
  }
  if (url.hostname !== "") {
    throw coded(TypeError, "ERR_INVALID_FILE_URL_HOST",
      "File URL host must be \"localhost\" or empty on linux");
  }
  if (/%2f/i.test(url.pathname)) {
    throw coded(TypeError, "ERR_INVALID_FILE_URL_PATH",
      "File URL path must not include encoded / characters");
  }
  return decodeURIComponent(url.pathname);
}

function pathToFileURL(path) {
  validate_string(path, "path");
  const parts = [];
  for (const part of (path.startsWith("/") ? path : `/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  const url = new URL("file:///");
  const text = `/${parts.join("/")}${path.endsWith("/") && parts.length > 0 ? "/" : ""}`;
  url.pathname = text.replace(/[%\\\n\r\t?#]/g, (c) =>
    `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
  return url;
}

function urlToHttpOptions(url) {
  const { hostname, pathname, port, username, password, search } = url;
  const options = {
    __proto__: null, ...url, protocol: url.protocol,
    hostname: hostname?.startsWith("[") ? hostname.slice(1, -1) : hostname,
    hash: url.hash, search, pathname, path: `${pathname || ""}${search || ""}`, href: url.href,
  };
  if (port !== "") options.port = Number(port);
  if (username || password) {
    options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  }
  return options;
}

function domain_to_ascii(domain) {
  try {
    return new URL(`http://${domain}`).hostname;
  } catch {
    return "";
  }
}
const domainToASCII = (domain) => domain_to_ascii(`${domain}`);
const domainToUnicode = (domain) => domain_to_unicode(domain_to_ascii(`${domain}`));

function domain_to_unicode(ascii) {
  return /(^|\.)xn--/.test(ascii) ? to_unicode(ascii) : ascii;
}

// For URL objects, with the parts that are not wanted left out; else as the old parser does.
function format(value, options = undefined) {
  if (!(value instanceof URL)) return legacy.format(value);
  const { auth = true, fragment = true, search = true, unicode = false } = options ?? {};
  const url = new URL(value.href);
  if (!fragment) url.hash = "";
  if (!search) url.search = "";
  if (!auth) url.username = url.password = "";
  return unicode && url.host ? url.href.replace(url.hostname, domain_to_unicode(url.hostname))
                             : url.href;
}

export {
  URL,
  URLPattern,
  URLSearchParams,
  Url,
  domainToASCII,
  domainToUnicode,
  fileURLToPath,
  format,
  parse,
  pathToFileURL,
  resolve,
  resolveObject,
  urlToHttpOptions,
};
export default {
  URL,
  URLPattern,
  URLSearchParams,
  Url,
  domainToASCII,
  domainToUnicode,
  fileURLToPath,
  format,
  parse,
  pathToFileURL,
  resolve,
  resolveObject,
  urlToHttpOptions,
};
