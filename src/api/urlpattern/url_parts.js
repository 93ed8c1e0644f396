// A URL's parts as the URL Pattern standard names them: without the characters that set them apart.
import { ops } from "../base/ops.js";
import { Int32Array, StringPrototypeSlice, StringPrototypeStartsWith } from "../base/primordials.js";

const { url_parse, url_set } = ops;
const places = new Int32Array(8);
const setters = { __proto__: null, username: 1, password: 2, hostname: 4, port: 5, pathname: 6, search: 7, hash: 8 };

export class UrlParts {
  // Null where it is no URL.
  static parse(text, base = undefined) {
    const href = url_parse(text, base, places);
    return href === undefined ? null : new UrlParts(href);
  }

  // Of an href whose places have just been written.
  constructor(href) {
    const at = (i) => places[i];
    const slice = (from, to) => StringPrototypeSlice(href, from, to);
    const hash = at(7) < 0 ? href.length : at(7);
    const search = at(6) < 0 ? hash : at(6);
    const host = href[at(2)] === "@" ? at(2) + 1 : at(2);
    this.protocol = slice(0, at(0) - 1);
    this.username = at(0) + 2 < at(1) ? slice(at(0) + 2, at(1)) : "";
    this.password = at(2) > at(1) ? slice(at(1) + 1, at(2)) : "";
    this.hostname = slice(host, at(3));
    this.port = at(4) < 0 ? "" : `${at(4)}`;
    this.pathname = slice(at(5), search);
    this.search = slice(search + 1, hash);
    this.hash = slice(hash + 1);
    // Without a host and a slash, a path is one string.
    this.opaque = at(3) === at(0) && !StringPrototypeStartsWith(this.pathname, "/");
  }
}

// What becomes of a URL when one of its members is assigned to.
export function set_part(href, name, value) {
  return new UrlParts(url_set(href, setters[name], value, places));
}
