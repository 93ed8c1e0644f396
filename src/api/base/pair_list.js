// The flat list [name, value, …] behind FormData and URLSearchParams. Values are compared with ===;
// `wanted` undefined stands for any.
import { ArrayPrototypePush, ArrayPrototypeSplice } from "./primordials.js";

const matches = (list, i, name, wanted) =>
  list[i] === name && (wanted === undefined || list[i + 1] === wanted);

export function pair_list_get(list, name) {
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] === name) return list[i + 1];
  }
  return null;
}

export function pair_list_get_all(list, name) {
  const values = [];
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] === name) ArrayPrototypePush(values, list[i + 1]);
  }
  return values;
}

export function pair_list_has(list, name, wanted) {
  for (let i = 0; i < list.length; i += 2) {
    if (matches(list, i, name, wanted)) return true;
  }
  return false;
}

export function pair_list_delete(list, name, wanted) {
  for (let i = 0; i < list.length;) {
    if (matches(list, i, name, wanted)) ArrayPrototypeSplice(list, i, 2);
    else i += 2;
  }
}

// The first of the name takes the value, the others go.
export function pair_list_set(list, name, value) {
  let found = false;
  for (let i = 0; i < list.length;) {
    if (list[i] !== name) {
      i += 2;
    } else if (found) {
      ArrayPrototypeSplice(list, i, 2);
    } else {
      found = true;
      list[i + 1] = value;
      i += 2;
    }
  }
  if (!found) ArrayPrototypePush(list, name, value);
}
