export * from "./bodies.js";
export * from "./context.js";
export * from "./crypto.js";
export * from "./forms.js";
export * from "./messages.js";
export * from "./pressure.js";
export * from "./streams.js";
export * from "./text.js";
export * from "./timers.js";
export * from "./url.js";

export default {
  fetch() {
    return new Response("this Worker is its tests");
  },
};
