// node:timers/promises.
import { promises } from "./timers.part.js";

export default promises;
