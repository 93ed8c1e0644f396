export const settled = await Promise.resolve("settled");
export let later = "before";
export function change() {
  later = "after";
}
