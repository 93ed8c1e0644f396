// What packages ask the package abort-controller for.
export const { AbortController, AbortSignal } = globalThis;
