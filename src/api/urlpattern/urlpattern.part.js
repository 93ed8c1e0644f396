// URLPattern (URL Pattern standard).
import { finish_class } from "../base/expose.js";
import {
  ArrayPrototypePush,
  ObjectDefineProperty,
  RegExpPrototypeExec,
  TypeError,
} from "../base/primordials.js";
import { require_args, to_dictionary, to_dom_string, to_usv_string } from "../base/webidl.js";
import {
  canonical_hash,
  canonical_hostname,
  canonical_ipv6,
  canonical_opaque_pathname,
  canonical_password,
  canonical_pathname,
  canonical_port,
  canonical_protocol,
  canonical_search,
  canonical_username,
  process_init,
} from "./canonical.js";
import { parse_constructor_string } from "./constructor_string.js";
import {
  compare_components,
  compile,
  default_options,
  default_port,
  hostname_options,
  matches_special_scheme,
  pathname_options,
} from "./pattern.js";
import { UrlParts } from "./url_parts.js";

const component_names =
  ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];
// In the order that Web IDL reads a dictionary's members.
const init_members = ["baseURL", "hash", "hostname", "password", "pathname", "port", "protocol", "search",
  "username"];

function read_init(value) {
  const dict = to_dictionary(value, "A URLPatternInit");
  const init = { __proto__: null };
  for (let i = 0; i < init_members.length; i++) {
    const member = dict[init_members[i]];
    if (member !== undefined) init[init_members[i]] = to_usv_string(member);
  }
  return init;
}

// An input: a string, or an init.
function read_input(input) {
  if (input === undefined) return { __proto__: null };
  if (input === null || typeof input === "object" || typeof input === "function") return read_init(input);
  return to_usv_string(input);
}

function is_ipv6(pattern) {
  return pattern[0] === "[" || ((pattern[0] === "{" || pattern[0] === "\\") && pattern[1] === "[");
}

// The components of a pattern, compiled.
function build(input, base, ignore_case) {
  let init = input;
  if (typeof input === "string") {
    init = parse_constructor_string(input);
    if (base === undefined && init.protocol === undefined) {
      throw new TypeError(`The pattern '${input}' is relative and has no base URL.`);
    }
    if (base !== undefined) init.baseURL = base;
  } else if (base !== undefined) {
    throw new TypeError("A URLPatternInit has its base URL in itself.");
  }
  const given = process_init(init, true, { __proto__: null });
  for (let i = 0; i < component_names.length; i++) given[component_names[i]] ??= "*";
  if (given.port !== "" && default_port(given.protocol) === given.port) given.port = "";
  const made = { __proto__: null };
  made.protocol = compile(given.protocol, canonical_protocol, default_options);
  made.username = compile(given.username, canonical_username, default_options);
  made.password = compile(given.password, canonical_password, default_options);
  made.hostname = compile(given.hostname, is_ipv6(given.hostname) ? canonical_ipv6 : canonical_hostname,
    hostname_options);
  made.port = compile(given.port, canonical_port, default_options);
  made.pathname = matches_special_scheme(made.protocol) ?
    compile(given.pathname, canonical_pathname, pathname_options, ignore_case) :
    compile(given.pathname, canonical_opaque_pathname, default_options, ignore_case);
  made.search = compile(given.search, canonical_search, default_options, ignore_case);
  made.hash = compile(given.hash, canonical_hash, default_options, ignore_case);
  return made;
}

// The parts of what is matched; null where it is no URL. `inputs`: what the result says it was.
function parts_of(input, base, inputs) {
  ArrayPrototypePush(inputs, input);
  if (typeof input !== "string") {
    if (base !== undefined) throw new TypeError("A URLPatternInit has its base URL in itself.");
    const parts = { __proto__: null };
    for (let i = 0; i < component_names.length; i++) parts[component_names[i]] = "";
    try {
      return process_init(input, false, parts);
    } catch {
      return null;
    }
  }
  if (base !== undefined) ArrayPrototypePush(inputs, base);
  return UrlParts.parse(input, base);
}

function own(object, name, value) {
  ObjectDefineProperty(object, name, {
    __proto__: null, value, writable: true, enumerable: true, configurable: true,
  });
}

function component_result(component, input, match) {
  const groups = {};
  for (let i = 0; i < component.names.length; i++) own(groups, component.names[i], match[i + 1]);
  return { input, groups };
}

// An init among the inputs of a result is a plain object again.
function plain_inputs(inputs) {
  if (typeof inputs[0] !== "string") {
    const plain = {};
    for (let i = 0; i < init_members.length; i++) {
      const name = init_members[i];
      if (inputs[0][name] !== undefined) own(plain, name, inputs[0][name]);
    }
    inputs[0] = plain;
  }
  return inputs;
}

export class URLPattern {
  #components;

  constructor(input = undefined, base_or_options = undefined, options = undefined) {
    const has_base = arguments.length > 2 || (base_or_options !== undefined && base_or_options !== null &&
      typeof base_or_options !== "object" && typeof base_or_options !== "function");
    const source = read_input(input);
    const base = has_base ? to_usv_string(base_or_options) : undefined;
    const dict = to_dictionary(has_base ? options : base_or_options, "The options of a URLPattern");
    this.#components = build(source, base, !!dict.ignoreCase);
  }

  test(input = undefined, base = undefined) {
    const components = this.#components;
    const parts = parts_of(read_input(input), base === undefined ? undefined : to_usv_string(base), []);
    if (parts === null) return false;
    for (let i = 0; i < component_names.length; i++) {
      const name = component_names[i];
      if (RegExpPrototypeExec(components[name].regexp, parts[name]) === null) return false;
    }
    return true;
  }

  exec(input = undefined, base = undefined) {
    const components = this.#components;
    const inputs = [];
    const parts = parts_of(read_input(input), base === undefined ? undefined : to_usv_string(base), inputs);
    if (parts === null) return null;
    const result = { inputs: plain_inputs(inputs) };
    for (let i = 0; i < component_names.length; i++) {
      const name = component_names[i];
      const match = RegExpPrototypeExec(components[name].regexp, parts[name]);
      if (match === null) return null;
      own(result, name, component_result(components[name], parts[name], match));
    }
    return result;
  }

  // Tentative in the standard.
  static compareComponent(component, left, right) {
    require_args(arguments.length, 3, "compareComponent", "URLPattern");
    const name = to_dom_string(component);
    for (let i = 0; i < component_names.length; i++) {
      if (component_names[i] === name) {
        return compare_components(left.#components[name], right.#components[name]);
      }
    }
    throw new TypeError(`'${name}' is not a component of URLs.`);
  }

  get protocol() {
    return this.#components.protocol.text;
  }
  get username() {
    return this.#components.username.text;
  }
  get password() {
    return this.#components.password.text;
  }
  get hostname() {
    return this.#components.hostname.text;
  }
  get port() {
    return this.#components.port.text;
  }
  get pathname() {
    return this.#components.pathname.text;
  }
  get search() {
    return this.#components.search.text;
  }
  get hash() {
    return this.#components.hash.text;
  }
  get hasRegExpGroups() {
    const components = this.#components;
    for (let i = 0; i < component_names.length; i++) {
      if (components[component_names[i]].has_groups) return true;
    }
    return false;
  }
}
finish_class(URLPattern, "URLPattern");
