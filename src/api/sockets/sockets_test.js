// connect() before anything is sent: addresses, options, top level. What goes over a connection is
// in sockets_test.cc.
import { connect } from "cloudflare:sockets";
import { assert_equals, assert_throws } from "../testing/assert.js";

let at_top = "nothing was thrown";
try {
  connect("example.com:80");
} catch (error) {
  at_top = error.message;
}

export const throws_at_top_level = {
  test() {
    assert_equals(at_top.slice(0, 53), "Disallowed operation called within global scope. Asyn");
  },
};

function message_of(...args) {
  try {
    connect(...args);
  } catch (error) {
    return error instanceof TypeError ? error.message : `${error.name}: ${error.message}`;
  }
  return "nothing was thrown";
}

export const refuses_what_is_no_address = {
  test() {
    const missing_port = "Specified address is missing port.";
    const missing_host = "Specified address is missing hostname.";
    const unparsable = "Specified address could not be parsed.";
    const cases = [
      ["example.com", missing_port], ["example.com:", missing_port], ["[::1]", missing_port],
      [":80", missing_host], ["", missing_port],
      ["example.com:http", unparsable], ["example.com:65536", unparsable], ["a b:80", unparsable],
      ["example.com:0", unparsable], ["user@example.com:80", unparsable], ["a/b:80", unparsable],
      ["http://a:80", unparsable], ["::1:80", unparsable], ["a:-1", unparsable],
      [{ hostname: "a" }, missing_port], [{ port: 80 }, missing_host],
      [{ hostname: "", port: 80 }, missing_host], [{ hostname: "a", port: 65536 }, unparsable],
      [{ hostname: "a", port: -1 }, unparsable], [{ hostname: "a", port: "x" }, unparsable],
      ["x".repeat(300) + ":80", unparsable],
    ];
    for (const [address, message] of cases) assert_equals(message_of(address), message);
  },
};

export const refuses_unknown_options = {
  test() {
    assert_equals(message_of("a:80", { secureTransport: "maybe" }),
                  "Unsupported value in secureTransport socket option: maybe");
    assert_throws(() => connect("a:80", 1), TypeError);
    assert_throws(() => connect(), TypeError);
  },
};
