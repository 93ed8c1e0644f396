import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

export const arguments_and_ids = {
  async test() {
    const got = await new Promise((resolve) => {
      const id = setTimeout((...all) => resolve(all), 1, "a", 2);
      assert(typeof id === "number" && id > 0);
    });
    assert_equals(got, ["a", 2]);
    assert_throws(() => setTimeout("code", 1), TypeError);
    assert_throws(() => setTimeout(), TypeError);
    clearTimeout(undefined);
    clearTimeout(12345);
    clearInterval(null);
  },
};

export const order = {
  async test() {
    const log = [];
    setTimeout(() => log.push("timer"), 0);
    queueMicrotask(() => log.push("microtask"));
    Promise.resolve().then(() => log.push("reaction"));
    log.push("code");
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert_equals(log, ["code", "microtask", "reaction", "timer"]);
  },
};

export const microtasks_run_between_timers = {
  async test() {
    const log = [];
    setTimeout(() => {
      log.push(1);
      queueMicrotask(() => log.push(2));
    }, 1);
    setTimeout(() => log.push(3), 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert_equals(log, [1, 2, 3]);
  },
};

export const intervals_stop_from_within = {
  async test() {
    let n = 0;
    await new Promise((resolve) => {
      const id = setInterval(() => {
        if (++n === 3) {
          clearInterval(id);
          resolve();
        }
      }, 1);
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert_equals(n, 3);
  },
};

export const time_stands_still = {
  async test() {
    const start = Date.now();
    assert_equals(performance.now(), start);
    for (let i = 0; i < 3e6; i++);
    assert_equals(Date.now(), start);
    await scheduler.wait(20);
    assert(Date.now() >= start + 19);
    assert_equals(performance.timeOrigin, 0);
  },
};

export const scheduler_wait_can_be_aborted = {
  async test() {
    const controller = new AbortController();
    const waiting = scheduler.wait(10000, { signal: controller.signal });
    controller.abort(new RangeError("enough"));
    await assert_rejects(waiting, RangeError, "enough");
    await assert_rejects(scheduler.wait(1, { signal: AbortSignal.abort() }), "AbortError");
    assert_equals(await scheduler.wait(1), undefined);
  },
};
