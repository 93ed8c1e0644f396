// A worker of today's date; old dates are tested in compat_test.cc.
import { assert, assert_equals, assert_throws } from "../testing/assert.js";

export const top_level = { made: new Function("a", "return a + 1")(1) };

export const eval_ends_with_the_top_level = {
  test() {
    assert_equals(top_level.made, 2);
    assert_throws(() => new Function("return 1"), EvalError);
    assert_throws(() => (0, eval)("1"), EvalError);
  },
};

export const what_today_has = {
  test() {
    assert_equals(typeof navigator.language, "string");
    assert_equals(typeof WeakRef, "function");
    assert_equals(typeof Headers.prototype.getSetCookie, "function");
    assert_equals(new Request("http://a/", { method: "patch" }).method, "PATCH");
    assert_equals(new Request("http://a/", { cache: "no-cache" }).cache, "no-cache");
    assert(new URLSearchParams("a=1&a=2").has("a", "2"));
    assert(!new URLSearchParams("a=1&a=2").has("a", "3"));
  },
};
