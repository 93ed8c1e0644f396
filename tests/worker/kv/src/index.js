export * from "./errors.js";
export * from "./lists.js";
export * from "./values.js";
export * from "./scope.js";
