import { check, refused, same } from "./check.js";

export const random = {
  async test() {
    const filled = crypto.getRandomValues(new Uint32Array(64));
    check(new Set(filled).size > 60, "64 random numbers are hardly ever alike");
    check(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()));
    check(crypto.randomUUID() !== crypto.randomUUID());
    await refused(() => crypto.getRandomValues(new Uint8Array(65_537)), "QuotaExceededError");
    await refused(() => crypto.getRandomValues(new Float64Array(1)), "TypeMismatchError");
    const draws = new Set(Array.from({ length: 50 }, Math.random));
    same(draws.size, 50);
  },
};
