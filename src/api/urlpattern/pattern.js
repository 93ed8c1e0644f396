// Pattern strings (URL Pattern standard, section 2): from a component's text to a list of parts, and
// from there to a regular expression and to the text that the attributes show.
import {
  ArrayPrototypePush,
  RegExp,
  RegExpPrototypeExec,
  Set,
  SetPrototypeAdd,
  SetPrototypeHas,
  StringFromCodePoint,
  StringPrototypeCharCodeAt,
  StringPrototypeCodePointAt,
  StringPrototypeIncludes,
  TypeError,
} from "../base/primordials.js";

// Options of components: what a name or a group does not cross, and what before a group belongs to it.
export const default_options = { __proto__: null, delimiter: "", prefix: "" };
export const hostname_options = { __proto__: null, delimiter: ".", prefix: "" };
export const pathname_options = { __proto__: null, delimiter: "/", prefix: "/" };

// A string as its code points, each a string.
export function code_points(text) {
  const list = [];
  for (let i = 0; i < text.length;) {
    const point = StringFromCodePoint(StringPrototypeCodePointAt(text, i));
    ArrayPrototypePush(list, point);
    i += point.length;
  }
  return list;
}

export function join(points, from, to) {
  let out = "";
  for (let i = from; i < to; i++) out += points[i];
  return out;
}

// --- 2.1: tokens ---

const name_start = /^[$_\p{ID_Start}]$/u;
const name_part = /^[$\u200c\u200d\p{ID_Continue}]$/u;

function is_name_code_point(point, first) {
  return point !== undefined && point !== "" &&
    RegExpPrototypeExec(first ? name_start : name_part, point) !== null;
}

const is_ascii = (point) => StringPrototypeCharCodeAt(point, 0) < 0x80;

function token(type, index, value) {
  return { __proto__: null, type, index, value };
}

// The end of the group that begins after the "(" at `start - 1`: -1 where it is malformed.
function regexp_end(points, start) {
  let depth = 1;
  for (let at = start; at < points.length; at++) {
    const point = points[at];
    if (!is_ascii(point) || (at === start && point === "?")) return -1;
    if (point === "\\") {
      at++;
      if (at === points.length || !is_ascii(points[at])) return -1;
    } else if (point === ")") {
      if (--depth === 0) return at === start ? -1 : at;
    } else if (point === "(") {
      depth++;
      // Only groups that capture nothing, or by name, may stand inside.
      if (points[at + 1] !== "?") return -1;
    }
  }
  return -1;
}

const single = {
  __proto__: null, "*": "asterisk", "+": "other-modifier", "?": "other-modifier", "{": "open", "}": "close",
};

// "Tokenize": malformed parts are errors where `strict`, else tokens of type "invalid-char".
export function tokenize(points, strict) {
  const tokens = [];
  const invalid = (at) => {
    if (strict) throw new TypeError("The pattern is malformed at character " + at + ".");
    ArrayPrototypePush(tokens, token("invalid-char", at, points[at]));
    return at + 1;
  };
  for (let at = 0; at < points.length;) {
    const point = points[at];
    if (single[point] !== undefined) {
      ArrayPrototypePush(tokens, token(single[point], at, point));
      at++;
    } else if (point === "\\") {
      if (at + 1 === points.length) {
        at = invalid(at);
        continue;
      }
      ArrayPrototypePush(tokens, token("escaped-char", at, points[at + 1]));
      at += 2;
    } else if (point === ":") {
      let end = at + 1;
      while (is_name_code_point(points[end], end === at + 1)) end++;
      if (end === at + 1) {
        at = invalid(at);
        continue;
      }
      ArrayPrototypePush(tokens, token("name", at, join(points, at + 1, end)));
      at = end;
    } else if (point === "(") {
      const end = regexp_end(points, at + 1);
      if (end < 0) {
        at = invalid(at);
        continue;
      }
      ArrayPrototypePush(tokens, token("regexp", at, join(points, at + 1, end)));
      at = end + 1;
    } else {
      ArrayPrototypePush(tokens, token("char", at, point));
      at++;
    }
  }
  ArrayPrototypePush(tokens, token("end", points.length, ""));
  return tokens;
}

// --- 2.2: parts ---

const kFixed = 0;
const kRegexp = 1;
const kSegment = 2;
const kFull = 3;
const full_wildcard = ".*";

function escape_with(text, special) {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    if (StringPrototypeIncludes(special, text[i])) out += "\\";
    out += text[i];
  }
  return out;
}
const escape_regexp = (text) => escape_with(text, ".+*?^${}()[]|/\\");
export const escape_pattern = (text) => escape_with(text, "+*?:{}()\\");

function segment_wildcard(options) {
  return `[^${escape_regexp(options.delimiter)}]+?`;
}

class PatternParser {
  #tokens;
  #encode;
  #options;
  #segment;
  #parts = [];
  #names = new Set();
  #fixed = "";  // fixed text that is not yet a part
  #at = 0;
  #next_name = 0;

  constructor(pattern, options, encode) {
    this.#tokens = tokenize(code_points(pattern), true);
    this.#encode = encode;
    this.#options = options;
    this.#segment = segment_wildcard(options);
  }

  parse() {
    while (this.#at < this.#tokens.length) {
      const char = this.#take("char");
      const name = this.#take("name");
      const group = this.#take_group(name);
      if (name !== null || group !== null) {
        let prefix = char === null ? "" : char.value;
        if (prefix !== "" && prefix !== this.#options.prefix) {
          this.#fixed += prefix;
          prefix = "";
        }
        this.#add_fixed();
        this.#add(prefix, name, group, "", this.#take_modifier());
        continue;
      }
      const fixed = char ?? this.#take("escaped-char");
      if (fixed !== null) {
        this.#fixed += fixed.value;
        continue;
      }
      if (this.#take("open") !== null) {
        const prefix = this.#take_text();
        const inner_name = this.#take("name");
        const inner_group = this.#take_group(inner_name);
        const suffix = this.#take_text();
        this.#expect("close");
        this.#add(prefix, inner_name, inner_group, suffix, this.#take_modifier());
        continue;
      }
      this.#add_fixed();
      this.#expect("end");
    }
    return this.#parts;
  }

  #take(type) {
    const next = this.#tokens[this.#at];
    if (next === undefined || next.type !== type) return null;
    this.#at++;
    return next;
  }

  #expect(type) {
    if (this.#take(type) === null) {
      throw new TypeError(`The pattern is malformed at character ${this.#tokens[this.#at].index}.`);
    }
  }

  #take_group(name) {
    return this.#take("regexp") ?? (name === null ? this.#take("asterisk") : null);
  }

  #take_modifier() {
    return (this.#take("other-modifier") ?? this.#take("asterisk"))?.value ?? "";
  }

  #take_text() {
    let text = "";
    for (;;) {
      const next = this.#take("char") ?? this.#take("escaped-char");
      if (next === null) return text;
      text += next.value;
    }
  }

  #push(type, value, modifier, name = "", prefix = "", suffix = "") {
    ArrayPrototypePush(this.#parts, { __proto__: null, type, value, modifier, name, prefix, suffix });
  }

  #add_fixed() {
    if (this.#fixed === "") return;
    const value = this.#encode(this.#fixed);
    this.#fixed = "";
    this.#push(kFixed, value, "");
  }

  #add(prefix, name_token, group, suffix, modifier) {
    if (name_token === null && group === null) {
      if (modifier === "") {
        this.#fixed += prefix;
        return;
      }
      this.#add_fixed();
      if (prefix !== "") this.#push(kFixed, this.#encode(prefix), modifier);
      return;
    }
    this.#add_fixed();
    let value = group === null ? this.#segment : group.type === "asterisk" ? full_wildcard : group.value;
    let type = kRegexp;
    if (value === this.#segment) type = kSegment;
    else if (value === full_wildcard) type = kFull;
    if (type !== kRegexp) value = "";
    const name = name_token === null ? `${this.#next_name++}` : name_token.value;
    if (SetPrototypeHas(this.#names, name)) throw new TypeError(`The pattern has the name ${name} twice.`);
    SetPrototypeAdd(this.#names, name);
    this.#push(type, value, modifier, name, this.#encode(prefix), this.#encode(suffix));
  }
}

function part_regexp(part, options) {
  const { modifier } = part;
  if (part.type === kFixed) {
    const value = escape_regexp(part.value);
    return modifier === "" ? value : `(?:${value})${modifier}`;
  }
  const group = part.type === kSegment ? segment_wildcard(options) : part.type === kFull ? full_wildcard
    : part.value;
  const repeats = modifier === "*" || modifier === "+";
  const prefix = escape_regexp(part.prefix);
  const suffix = escape_regexp(part.suffix);
  if (prefix === "" && suffix === "") {
    return repeats ? `((?:${group})${modifier})` : `(${group})${modifier}`;
  }
  if (!repeats) return `(?:${prefix}(${group})${suffix})${modifier}`;
  const end = modifier === "*" ? "?" : "";
  return `(?:${prefix}((?:${group})(?:${suffix}${prefix}(?:${group}))*)${suffix})${end}`;
}

const is_digit = (char) => char !== undefined && char >= "0" && char <= "9";

function last_point(text) {
  const points = code_points(text);
  return points[points.length - 1];
}

// Whether a part has to stand in braces, so that its text means the part again.
function needs_grouping(part, previous, next, options, custom) {
  if (part.suffix !== "" || (part.prefix !== "" && part.prefix !== options.prefix)) return true;
  if (custom && part.type === kSegment && part.modifier === "" && next !== undefined && next.prefix === "" &&
      next.suffix === "") {
    if (next.type === kFixed ? is_name_code_point(code_points(next.value)[0], false) : is_digit(next.name[0])) {
      return true;
    }
  }
  return part.prefix === "" && previous !== undefined && previous.type === kFixed &&
    options.prefix !== "" && last_point(previous.value) === options.prefix;
}

function part_text(part, previous, next, options) {
  const { modifier, type } = part;
  if (type === kFixed) {
    const value = escape_pattern(part.value);
    return modifier === "" ? value : `{${value}}${modifier}`;
  }
  const custom = !is_digit(part.name[0]);
  const grouped = needs_grouping(part, previous, next, options, custom);
  let out = escape_pattern(part.prefix);
  if (custom) out += `:${part.name}`;
  if (type === kRegexp) {
    out += `(${part.value})`;
  } else if (type === kSegment) {
    if (!custom) out += `(${segment_wildcard(options)})`;
  } else if (!custom && (previous === undefined || previous.type === kFixed || previous.modifier !== "" ||
             grouped || part.prefix !== "")) {
    out += "*";
  } else {
    out += `(${full_wildcard})`;
  }
  if (type === kSegment && custom && is_name_code_point(code_points(part.suffix)[0], false)) out += "\\";
  out += escape_pattern(part.suffix);
  return (grouped ? `{${out}}` : out) + modifier;
}

// "Compile a component": {text, regexp, names, has_groups, parts}.
export function compile(pattern, encode, options, ignore_case = false) {
  const parts = new PatternParser(pattern, options, encode).parse();
  let source = "^";
  let text = "";
  let has_groups = false;
  const names = [];
  for (let i = 0; i < parts.length; i++) {
    source += part_regexp(parts[i], options);
    text += part_text(parts[i], parts[i - 1], parts[i + 1], options);
    if (parts[i].type !== kFixed) ArrayPrototypePush(names, parts[i].name);
    if (parts[i].type === kRegexp) has_groups = true;
  }
  let regexp;
  try {
    regexp = new RegExp(`${source}$`, ignore_case ? "vi" : "v");
    // V8 says of one that is too large only when it is run.
    if (source.length > 1000) RegExpPrototypeExec(regexp, "");
  } catch {
    throw new TypeError(`The pattern '${pattern}' holds a malformed regular expression.`);
  }
  return { __proto__: null, text, regexp, names, has_groups, parts };
}

// From the least to the most restrictive.
const type_order = { __proto__: null, [kFull]: 0, [kSegment]: 1, [kRegexp]: 2, [kFixed]: 3 };
const modifier_order = { __proto__: null, "*": 0, "?": 1, "+": 2, "": 3 };
const nothing = { __proto__: null, type: kFixed, value: "", modifier: "", prefix: "", suffix: "" };

const order = (a, b) => a < b ? -1 : a > b ? 1 : 0;

function compare_parts(a, b) {
  return order(type_order[a.type], type_order[b.type]) ||
    order(modifier_order[a.modifier], modifier_order[b.modifier]) ||
    order(a.prefix, b.prefix) || order(a.value, b.value) || order(a.suffix, b.suffix);
}

// Which of two components is the more restrictive: -1, 0 or 1.
export function compare_components(a, b) {
  for (let i = 0; i < a.parts.length || i < b.parts.length; i++) {
    const result = compare_parts(a.parts[i] ?? nothing, b.parts[i] ?? nothing);
    if (result !== 0) return result;
  }
  return 0;
}

const special_schemes = ["ftp", "file", "http", "https", "ws", "wss"];
const default_ports = { __proto__: null, ftp: "21", http: "80", https: "443", ws: "80", wss: "443" };

export const is_special = (scheme) => scheme === "file" || default_ports[scheme] !== undefined;
export const default_port = (scheme) => default_ports[scheme];

export function matches_special_scheme(component) {
  for (let i = 0; i < special_schemes.length; i++) {
    if (RegExpPrototypeExec(component.regexp, special_schemes[i]) !== null) return true;
  }
  return false;
}
