// URL (URL standard, 6.1). The href and the places of its components are all that an object holds;
// what changes it goes through the native parser again.
import { ops } from "../base/ops.js";
import { expose_class } from "../base/expose.js";
import { Int32Array, StringPrototypeSlice, TypeError } from "../base/primordials.js";
import { require_args, require_new_args, to_usv_string } from "../base/webidl.js";
import { attach_url, make_search_params, update_search_params } from "./search_params.js";

const { url_origin, url_parse, url_set } = ops;

// Where url_parse and url_set write the places of the components.
const parts = new Int32Array(8);

// As set_component in url.cc.
const kProtocol = 0;
const kUsername = 1;
const kPassword = 2;
const kHost = 3;
const kHostname = 4;
const kPort = 5;
const kPathname = 6;
const kSearch = 7;
const kHash = 8;

// The href of a string, undefined where it is no URL.
export function parse_url(input, base = undefined) {
  return url_parse(input, base, parts);
}

function invalid_url() {
  return new TypeError("Invalid URL");
}

export let is_url;

export class URL {
  #href;
  #protocol_end;
  #username_end;
  #host_start;
  #host_end;
  #port;
  #pathname_start;
  #search_start;
  #hash_start;
  #params = null;

  constructor(url, base = undefined) {
    require_new_args(arguments.length, 1, "URL");
    const input = to_usv_string(url);
    const href = url_parse(input, base === undefined ? undefined : to_usv_string(base), parts);
    if (href === undefined) throw invalid_url();
    this.#take(href);
  }

  static canParse(url, base = undefined) {
    require_args(arguments.length, 1, "canParse", "URL");
    const input = to_usv_string(url);
    return url_parse(input, base === undefined ? undefined : to_usv_string(base),
      parts) !== undefined;
  }

  static parse(url, base = undefined) {
    require_args(arguments.length, 1, "parse", "URL");
    const input = to_usv_string(url);
    const given_base = base === undefined ? undefined : to_usv_string(base);
    if (url_parse(input, given_base, parts) === undefined) return null;
    return new URL(input, given_base);
  }

  static createObjectURL() {
    throw new TypeError("URL.createObjectURL() is not implemented.");
  }

  static revokeObjectURL() {
    throw new TypeError("URL.revokeObjectURL() is not implemented.");
  }

  #take(href) {
    this.#href = href;
    this.#protocol_end = parts[0];
    this.#username_end = parts[1];
    this.#host_start = parts[2];
    this.#host_end = parts[3];
    this.#port = parts[4];
    this.#pathname_start = parts[5];
    this.#search_start = parts[6];
    this.#hash_start = parts[7];
  }

  #set(which, value) {
    const href = url_set(this.#href, which, value, parts);
    if (href !== undefined) this.#take(href);
  }

  #slice(start, end) {
    return StringPrototypeSlice(this.#href, start, end);
  }

  // Where the query ends, or the path where there is none.
  #before_hash() {
    return this.#hash_start >= 0 ? this.#hash_start : this.#href.length;
  }

  get href() {
    return this.#href;
  }
  set href(value) {
    this.#href;
    const href = url_parse(to_usv_string(value), undefined, parts);
    if (href === undefined) throw invalid_url();
    this.#take(href);
    this.#refresh_params();
  }

  get origin() {
    return url_origin(this.#href);
  }

  get protocol() {
    return this.#slice(0, this.#protocol_end);
  }
  set protocol(value) {
    this.#href;
    this.#set(kProtocol, to_usv_string(value));
  }

  get username() {
    return this.#protocol_end + 2 < this.#username_end ?
      this.#slice(this.#protocol_end + 2, this.#username_end) : "";
  }
  set username(value) {
    this.#href;
    this.#set(kUsername, to_usv_string(value));
  }

  get password() {
    return this.#host_start - this.#username_end > 0 ?
      this.#slice(this.#username_end + 1, this.#host_start) : "";
  }
  set password(value) {
    this.#href;
    this.#set(kPassword, to_usv_string(value));
  }

  // The "@" between credentials and host belongs to neither.
  #host_from() {
    const start = this.#host_start;
    return this.#href[start] === "@" ? start + 1 : start;
  }

  get host() {
    return this.#slice(this.#host_from(), this.#pathname_start_of_host());
  }
  set host(value) {
    this.#href;
    this.#set(kHost, to_usv_string(value));
  }

  // host_end lies before the port; a path that begins with "//" has a "/." in front of it.
  #pathname_start_of_host() {
    if (this.#port < 0) return this.#host_end;
    return this.#pathname_start;
  }

  get hostname() {
    return this.#slice(this.#host_from(), this.#host_end);
  }
  set hostname(value) {
    this.#href;
    this.#set(kHostname, to_usv_string(value));
  }

  get port() {
    return this.#port < 0 ? "" : `${this.#port}`;
  }
  set port(value) {
    this.#href;
    this.#set(kPort, to_usv_string(value));
  }

  get pathname() {
    const end = this.#search_start >= 0 ? this.#search_start : this.#before_hash();
    return this.#slice(this.#pathname_start, end);
  }
  set pathname(value) {
    this.#href;
    this.#set(kPathname, to_usv_string(value));
  }

  get search() {
    if (this.#search_start < 0) return "";
    const end = this.#before_hash();
    return end - this.#search_start <= 1 ? "" : this.#slice(this.#search_start, end);
  }
  set search(value) {
    this.#href;
    this.#set(kSearch, to_usv_string(value));
    this.#refresh_params();
  }

  get hash() {
    if (this.#hash_start < 0 || this.#href.length - this.#hash_start <= 1) return "";
    return this.#slice(this.#hash_start, this.#href.length);
  }
  set hash(value) {
    this.#href;
    this.#set(kHash, to_usv_string(value));
  }

  #query() {
    return this.#search_start < 0 ? "" : this.#slice(this.#search_start + 1, this.#before_hash());
  }

  get searchParams() {
    return (this.#params ??= make_search_params(this.#query(), this));
  }

  #refresh_params() {
    if (this.#params !== null) update_search_params(this.#params, this.#query());
  }

  static {
    attach_url((url, query) => url.#set(kSearch, query));
    is_url = (value) => #href in value;
  }

  toString() {
    return this.#href;
  }

  toJSON() {
    return this.#href;
  }
}

expose_class(URL, "URL");
