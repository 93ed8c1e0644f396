import { both } from "./cycle_a.js";
export const b = "b";
export const through = () => both();
