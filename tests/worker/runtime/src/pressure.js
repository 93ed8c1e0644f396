// What makes the collector run: kept for the runs in which it runs at every turn.
import { check, same } from "./check.js";

export const garbage_between_awaits = {
  async test() {
    let sum = 0;
    for (let round = 0; round < 60; round++) {
      const rows = Array.from({ length: 500 }, (_, i) => ({ i, text: `row ${i}`, bytes: new Array(200).fill(i) }));
      await Promise.resolve();
      const texts = await Promise.all(rows.map(async (row) => new Response(row.text).text()));
      sum += texts.length + structuredClone(rows.slice(0, 10)).length;
    }
    same(sum, 60 * 510);
  },
};

export const handles_outlive_their_makers = {
  async test() {
    const streams = Array.from({ length: 50 }, (_, i) => new Response(`body ${i}`).body);
    const timers = Promise.all(Array.from({ length: 50 }, (_, i) => scheduler.wait(i % 5)));
    let kept = [];
    for (let i = 0; i < 200; i++) kept = [kept.length, new ArrayBuffer(1 << 12), new URL(`http://h${i}/`)];
    await timers;
    const read = await Promise.all(streams.map((stream) => new Response(stream).text()));
    check(read.every((text, i) => text === `body ${i}`), "a stream lost its bytes");
  },
};

export const weakly_held = {
  async test() {
    const gone = new WeakRef({ big: new Array(1000).fill(0) });
    const registry = new FinalizationRegistry(() => {});
    registry.register(gone.deref() ?? {}, "told");
    const map = new WeakMap();
    for (let i = 0; i < 1000; i++) map.set({}, { i });
    await scheduler.wait(1);
    check(gone.deref() === undefined || gone.deref().big.length === 1000);
  },
};
