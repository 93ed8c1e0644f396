import { assert, assert_equals, assert_throws } from "../testing/assert.js";

export const marks_and_measures = {
  test() {
    const a = performance.mark("a", { startTime: 10, detail: { x: 1 } });
    assert(a instanceof PerformanceMark && a instanceof PerformanceEntry);
    assert_equals(a.toJSON(), { name: "a", entryType: "mark", startTime: 10, duration: 0, detail: { x: 1 } });
    performance.mark("b", { startTime: 30 });
    performance.mark("a", { startTime: 20 });
    const m = performance.measure("m", "a", "b");
    assert_equals([m.startTime, m.duration, m.entryType, m.detail], [20, 10, "measure", null]);
    assert_equals(performance.measure("n", { start: 5, duration: 7, detail: 1 }).toJSON(),
      { name: "n", entryType: "measure", startTime: 5, duration: 7, detail: 1 });
    assert_equals(performance.measure("o", { end: "b", duration: 7 }).startTime, 23);
    assert_equals(performance.measure("p").startTime, 0);
    assert_equals(performance.getEntriesByType("mark").map((e) => e.startTime), [10, 20, 30]);
    assert_equals(performance.getEntriesByName("a", "mark").length, 2);
    assert_equals(performance.getEntriesByName("a", "measure").length, 0);
    assert_throws(() => performance.measure("q", "none"), "SyntaxError");
    assert_throws(() => performance.measure("q", { start: 1 }, "b"), TypeError);
    assert_throws(() => performance.measure("q", { start: 1, end: 2, duration: 3 }), TypeError);
    assert_throws(() => performance.measure("q", { detail: 1 }), TypeError);
    assert_throws(() => performance.mark("q", { startTime: -1 }), TypeError);
    assert_throws(() => performance.mark(), TypeError);
    assert_throws(() => new PerformanceEntry(), TypeError);
    performance.clearMarks("a");
    performance.clearMeasures();
    assert_equals(performance.getEntries().map((e) => e.name), ["b"]);
    performance.clearMarks();
    assert_equals(performance.getEntries(), []);
  },
};

export const observers = {
  async test() {
    performance.mark("before");
    const seen = [];
    const first = await new Promise((resolve) => {
      const observer = new PerformanceObserver((list, self) => {
        assert(self === observer && list instanceof PerformanceObserverEntryList);
        seen.push(...list.getEntriesByType("mark").map((e) => e.name));
        resolve(observer);
      });
      observer.observe({ type: "mark", buffered: true });
      performance.mark("after");
      assert_equals(seen, []);
    });
    assert_equals(seen, ["before", "after"]);
    performance.mark("taken");
    assert_equals(first.takeRecords().map((e) => e.name), ["taken"]);
    assert_throws(() => first.observe({ entryTypes: ["mark"] }), "InvalidModificationError");
    first.disconnect();
    assert_throws(() => first.observe({}), TypeError);
    assert_equals(PerformanceObserver.supportedEntryTypes, ["mark", "measure"]);
    performance.clearMarks();
  },
};

export const clock = {
  test() {
    assert_equals([performance.timeOrigin, performance.toJSON()], [0, { timeOrigin: 0 }]);
    assert_equals(performance.now(), Date.now());
    assert_equals([navigator.userAgent, navigator.hardwareConcurrency], ["Cloudflare-Workers", 1]);
    assert_equals(typeof navigator.sendBeacon, "function");
  },
};
