// A pattern that is one string (URL Pattern standard, 1.6): where its components begin and end.
import { canonical_protocol } from "./canonical.js";
import { code_points, compile, default_options, join, matches_special_scheme, tokenize } from "./pattern.js";

// States before a component, of which a later one says that it is empty.
const before_port = ["protocol", "authority", "username", "password"];
const before_search = ["protocol", "authority", "username", "password", "hostname", "port"];
const before_hash = ["protocol", "authority", "username", "password", "hostname", "port", "pathname"];

function one_of(list, value) {
  for (let i = 0; i < list.length; i++) {
    if (list[i] === value) return true;
  }
  return false;
}

class ConstructorString {
  #points;
  #tokens;
  #result = { __proto__: null };
  #state = "init";
  #start = 0;       // the token that the component begins with
  #at = 0;
  #step = 1;
  #groups = 0;      // open braces
  #brackets = 0;    // of an IPv6 address
  #special = false; // the protocol may be a special scheme

  constructor(input) {
    this.#points = code_points(input);
    this.#tokens = tokenize(this.#points, false);
  }

  parse() {
    for (; this.#at < this.#tokens.length; this.#at += this.#step) {
      this.#step = 1;
      const { type } = this.#tokens[this.#at];
      if (type === "end") {
        if (this.#at_end()) break;
      } else if (type === "open") {
        this.#groups++;
      } else if (this.#groups > 0) {
        if (type === "close") this.#groups--;
      } else {
        this.#look();
      }
    }
    if (this.#result.hostname !== undefined && this.#result.port === undefined) this.#result.port = "";
    return this.#result;
  }

  // True: all is done.
  #at_end() {
    if (this.#state === "init") {
      this.#rewind();
      if (this.#is("#")) this.#change("hash", 1);
      else if (this.#is_search()) this.#change("search", 1);
      else this.#change("pathname", 0);
      return false;
    }
    if (this.#state === "authority") {
      this.#rewind();
      this.#state = "hostname";
      return false;
    }
    this.#change("done", 0);
    return true;
  }

  #look() {
    switch (this.#state) {
      case "init":
        if (this.#is(":")) {
          this.#rewind();
          this.#state = "protocol";
        }
        break;
      case "protocol":
        if (this.#is(":")) this.#after_protocol();
        break;
      case "authority":
        if (this.#is("@")) {
          this.#rewind();
          this.#state = "username";
        } else if (this.#is("/") || this.#is_search() || this.#is("#")) {
          this.#rewind();
          this.#state = "hostname";
        }
        break;
      case "username":
        if (this.#is(":")) this.#change("password", 1);
        else if (this.#is("@")) this.#change("hostname", 1);
        break;
      case "password":
        if (this.#is("@")) this.#change("hostname", 1);
        break;
      case "hostname":
        if (this.#is("[")) this.#brackets++;
        else if (this.#is("]")) this.#brackets--;
        else if (this.#is(":") && this.#brackets === 0) this.#change("port", 1);
        else this.#look_for_path();
        break;
      case "port":
        this.#look_for_path();
        break;
      case "pathname":
        this.#look_for_search();
        break;
      case "search":
        if (this.#is("#")) this.#change("hash", 1);
        break;
    }
  }

  #look_for_path() {
    if (this.#is("/")) this.#change("pathname", 0);
    else this.#look_for_search();
  }

  #look_for_search() {
    if (this.#is_search()) this.#change("search", 1);
    else if (this.#is("#")) this.#change("hash", 1);
  }

  #after_protocol() {
    const protocol = compile(this.#component(), canonical_protocol, default_options);
    this.#special = matches_special_scheme(protocol);
    if (this.#is("/", 1) && this.#is("/", 2)) this.#change("authority", 3);
    else this.#change(this.#special ? "authority" : "pathname", 1);
  }

  #safe(index) {
    return this.#tokens[index < this.#tokens.length ? index : this.#tokens.length - 1];
  }

  // "Is a non-special pattern char"
  #is(value, ahead = 0) {
    const token = this.#safe(this.#at + ahead);
    return token.value === value &&
      (token.type === "char" || token.type === "escaped-char" || token.type === "invalid-char");
  }

  // A question mark that is no modifier.
  #is_search() {
    if (this.#is("?")) return true;
    if (this.#tokens[this.#at].value !== "?") return false;
    if (this.#at === 0) return true;
    const { type } = this.#tokens[this.#at - 1];
    return type !== "name" && type !== "regexp" && type !== "close" && type !== "asterisk";
  }

  #component() {
    return join(this.#points, this.#safe(this.#start).index, this.#tokens[this.#at].index);
  }

  #rewind() {
    this.#at = this.#start;
    this.#step = 0;
  }

  #change(state, skip) {
    const old = this.#state;
    const result = this.#result;
    if (old !== "init" && old !== "authority" && old !== "done") result[old] = this.#component();
    if (old !== "init" && state !== "done") {
      if (one_of(before_port, old) && (state === "port" || state === "pathname" || state === "search" ||
          state === "hash")) {
        result.hostname ??= "";
      }
      if (one_of(before_search, old) && (state === "search" || state === "hash")) {
        result.pathname ??= this.#special ? "/" : "";
      }
      if (one_of(before_hash, old) && state === "hash") result.search ??= "";
    }
    this.#state = state;
    this.#at += skip;
    this.#start = this.#at;
    this.#step = 0;
  }
}

export function parse_constructor_string(input) {
  return new ConstructorString(input).parse();
}
