// node:stream/promises.
import { promises } from "./stream.part.js";

export const { finished, pipeline } = promises;
export default promises;
