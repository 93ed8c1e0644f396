import { check, same } from "./check.js";

export const order = {
  async test() {
    const seen = [];
    setTimeout((...args) => seen.push(args), 5, "late", 1);
    setTimeout(() => seen.push("early"), 1);
    queueMicrotask(() => seen.push("micro"));
    Promise.resolve().then(() => seen.push("promise"));
    const never = setTimeout(() => seen.push("never"), 2);
    clearTimeout(never);
    clearTimeout(undefined);
    await scheduler.wait(15);
    same(seen, ["micro", "promise", "early", ["late", 1]]);
  },
};

export const intervals = {
  async test() {
    let count = 0;
    await new Promise((resolve) => {
      const id = setInterval(() => {
        if (++count < 3) return;
        clearInterval(id);
        resolve();
      }, 1);
    });
    await scheduler.wait(5);
    same(count, 3);
  },
};

export const waiting_can_be_aborted = {
  async test() {
    const controller = new AbortController();
    const waiting = scheduler.wait(60_000, { signal: controller.signal }).catch((error) => error.name);
    controller.abort();
    same(await waiting, "AbortError");
  },
};

export const an_exception_in_a_timer_is_not_the_handlers = {
  async test() {
    setTimeout(() => { throw new Error("thrown in a timer, on purpose"); }, 0);
    await scheduler.wait(3);
    check(true);
  },
};
