// node:fs/promises.
import { promises } from "./fs.part.js";

export default promises;
